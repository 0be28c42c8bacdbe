#!/usr/bin/env python3
"""Lists the live entries of a closed Cairn store, read from its data file alone.

An independent reader: written from part 1 of docs/format.md and sharing no code with the store.
Docstrings cite that document's sections. Exit status: 0 sound, 2 usage, 3 damage or no store of
this format, 4 the file cannot be read.
"""

import argparse
import codecs
import mmap
import os
import re
import stat
import struct
import sys

HEADER_MAGIC, SLOT_MAGIC, REGION_MAGIC = b"CAIRNKV\n", b"CAIRNCKP", b"REGN"
BLOCK, SLOTS_AT, CUTS, CUT_BYTES = 4096, 8192, 128, 64
REGION_HEADER, RECORD_HEADER, LEAST_RECORD = 64, 24, 32
IN_PLACE, CACHE, MOST_OVERWRITES, MOST_HEAT = 1, 2, 31, 127
PUT, FILLER = 1, 3
EXPIRES, VALUE_IN_RUN, KEY_IN_RUN, ALL_FLAGS = 2, 4, 8, 15
ANY_RUN = VALUE_IN_RUN | KEY_IN_RUN

HEADER = struct.Struct("<8sII16s16sIIII")
SLOT = struct.Struct("<8sII16s16sqq16xI")
CUT = struct.Struct("<QqQqqqq")
REGION = struct.Struct("<4sI16sqqIIQq")
RECORD = struct.Struct("<qIBBBBii")
REFERENCE = struct.Struct("<QqII")
EXPIRY = struct.Struct("<q")
IDENTITY = struct.Struct("<16sqqq")


class Damage(Exception):
    """Its arguments: an offset in the file, what a sound store has there, what was found."""


def expect(at, what, expected, found, form="{}"):
    if expected != found:
        raise Damage(at, f"{what} {form.format(expected)}", form.format(found))


def expect_checksum(at, expected, found):
    expect(at, "checksum", expected, found, "0x{:08X}")


# CRC-32C, section "Conventions". A register is what is between initial value and final xor; the
# next one is the xor of what the bytes make of 0 and what as many zero bytes make of the last.


def crc_tables():
    """tables[i][b]: the register after the byte b and i zero bytes."""
    tables = [[]]
    for register in range(256):
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
        tables[0].append(register)
    for _ in range(7):
        tables.append([tables[0][register & 255] ^ register >> 8 for register in tables[-1]])
    return tables


TABLES = crc_tables()


def advance(register, data):
    """The register after the bytes, eight at a time."""
    t0, t1, t2, t3, t4, t5, t6, t7 = TABLES
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= register
        register = (t7[low & 255] ^ t6[low >> 8 & 255] ^ t5[low >> 16 & 255] ^ t4[low >> 24]
                    ^ t3[high & 255] ^ t2[high >> 8 & 255] ^ t1[high >> 16 & 255] ^ t0[high >> 24])
    for byte in data[whole:]:
        register = t0[(register ^ byte) & 255] ^ register >> 8
    return register


def checksum(data, register=0xFFFFFFFF):
    return advance(register, data) ^ 0xFFFFFFFF


def apply(shift, register):
    """A shift says what some zero bytes make of each of the 32 bits."""
    result = 0
    for bit in range(register.bit_length()):
        if register >> bit & 1:
            result ^= shift[bit]
    return result


class Spans:
    """Registers of long spans, joined from those of aligned blocks, which are kept: however many
    runs a hostile file lets overlap, each byte is taken in once."""

    def __init__(self, data):
        self.data = data
        self.blocks = {}
        self.shifts = [[advance(1 << bit, bytes(BLOCK)) for bit in range(32)]]
        while BLOCK << len(self.shifts) <= len(data):
            last = self.shifts[-1]
            self.shifts.append([apply(last, register) for register in last])

    def block(self, level, index):
        """The register after the block of BLOCK << level bytes, from 0."""
        known = self.blocks.get((level, index))
        if known is None:
            if level == 0:
                known = advance(0, self.data[index * BLOCK:(index + 1) * BLOCK])
            else:
                known = (apply(self.shifts[level - 1], self.block(level - 1, 2 * index))
                         ^ self.block(level - 1, 2 * index + 1))
            self.blocks[level, index] = known
        return known

    def advance(self, register, at, end):
        while at < end:
            if at % BLOCK or end - at < BLOCK:
                step = min(end, at - at % BLOCK + BLOCK) - at
                register = advance(register, self.data[at:at + step])
            else:
                index = at // BLOCK
                level = min(index & -index, (end - at) // BLOCK).bit_length() - 1
                step = BLOCK << level
                register = apply(self.shifts[level], register) ^ self.block(level, index >> level)
            at += step
        return register


class Record:
    """The record at an offset, section "Record". `content` is how many bytes are in its run."""

    __slots__ = ("data", "at", "version", "crc", "kind", "flags", "overwrites", "heat",
                 "key_length", "value_length", "run_at", "inline_at", "content", "bytes")

    def __init__(self, data, at):
        self.data, self.at = data, at
        (self.version, self.crc, self.kind, self.flags, self.overwrites, self.heat,
         self.key_length, self.value_length) = RECORD.unpack_from(data, at)
        self.run_at = at + RECORD_HEADER + (EXPIRY.size if self.flags & EXPIRES else 0)
        self.inline_at = self.run_at + (REFERENCE.size if self.flags & ANY_RUN else 0)
        self.content = ((self.key_length if self.flags & KEY_IN_RUN else 0)
                        + (self.value_length if self.flags & VALUE_IN_RUN else 0))
        inline = self.key_length + self.value_length - self.content
        self.bytes = (RECORD_HEADER + self.value_length if self.kind == FILLER
                      else (self.inline_at - at + inline + 15) // 16 * 16)

    def reference(self):
        """Its run: first region, number of regions, allocation number, checksum, key's checksum."""
        word, *rest = REFERENCE.unpack_from(self.data, self.run_at)
        return ((word >> 24) - 1, word & 0xFFFFFF, *rest)

    def expired(self, now):
        return (self.flags & EXPIRES != 0
                and EXPIRY.unpack_from(self.data, self.at + RECORD_HEADER)[0] <= now)


class Store:
    """A data file, a memory view. To make one verifies the header and chooses the slot."""

    def __init__(self, data):
        self.data = data
        self.read_header()
        self.slot_bytes = -(-(CUTS + CUT_BYTES * self.stripes) // BLOCK) * BLOCK
        self.require_length(self.region_at(0))
        slots = [slot for slot in map(self.read_slot, (0, 1)) if slot]
        if not slots:
            raise Damage(SLOTS_AT, "a valid checkpoint slot", "none")
        self.slot_at, _, self.regions = max(slots, key=lambda slot: slot[1])
        if self.regions < 0:
            raise Damage(self.slot_at + 56, "a number of regions", self.regions)
        self.require_length(self.region_at(self.regions))
        self.taken = bytearray(self.regions)

    def require_length(self, length):
        if len(self.data) < length:
            raise Damage(len(self.data), f"a file of {length} bytes or more", "its end")

    def read_header(self):
        """Section "Header", in its order."""
        expect(0, "magic", HEADER_MAGIC, bytes(self.data[:8]))
        self.require_length(SLOTS_AT)
        (_, version, features, self.store_id, _, self.stripes, self.region_bytes, durability,
         crc) = HEADER.unpack_from(self.data)
        expect(8, "format version", 1, version)
        if features & ~(IN_PLACE | CACHE):
            raise Damage(12, f"features up to {IN_PLACE | CACHE}", features)
        expect_checksum(60, checksum(self.data[:60]), crc)
        if features & CACHE:
            expect_checksum(80, checksum(self.data[64:80]),
                            struct.unpack_from("<I", self.data, 80)[0])
        for at, found, low, high in ((48, self.stripes, 1, 4096),
                                     (52, self.region_bytes, 4096, 67108864)):
            if not low <= found <= high or found & found - 1:
                raise Damage(at, f"a power of two from {low} to {high}", found)
        if durability > 1:
            raise Damage(56, "durability 0 or 1", durability)

    def read_slot(self, index):
        """Section "Checkpoint slots": offset, epoch, regions; None if it is not valid."""
        at = SLOTS_AT + index * self.slot_bytes
        magic, crc, slot_index, store_id, _, epoch, regions, stripes = SLOT.unpack_from(
            self.data, at)
        valid = ((magic, slot_index, store_id, stripes)
                 == (SLOT_MAGIC, index, self.store_id, self.stripes)
                 and crc == self.checksum_without(at + 8, at, at + self.slot_bytes))
        return (at, epoch, regions) if valid else None

    def checksum_without(self, crc_at, at, end, register=0xFFFFFFFF):
        """Of an area, with the 4 bytes of its own checksum as 0."""
        register = advance(advance(register, self.data[at:crc_at]), bytes(4))
        return checksum(self.data[crc_at + 4:end], register)

    def region_at(self, region):
        """Section "Picture"."""
        return SLOTS_AT + 2 * self.slot_bytes + self.region_bytes * region

    def identity(self, stripe, number, at):
        """The register after the identity prefix, section "Record"."""
        return advance(0xFFFFFFFF, IDENTITY.pack(self.store_id, stripe, number, at))

    def read_region(self, region, stripe, number, run_regions):
        """Section "Region header": verifies it; the predecessor's region id + 1 and number."""
        at = self.region_at(region)
        magic, crc, *found, predecessor, its_number = REGION.unpack_from(self.data, at)
        expect(at, "magic", REGION_MAGIC, magic)
        expect_checksum(at + 4, self.checksum_without(at + 4, at, at + REGION_HEADER), crc)
        expect(at + 8, "store id", self.store_id.hex(), found[0].hex())
        expect(at + 24, "allocation number", number, found[1])
        expect(at + 32, "region id", region, found[2])
        expect(at + 40, "stripe", stripe, found[3])
        expect(at + 44, "regions of a run", run_regions, found[4])
        return predecessor, its_number

    def chain(self, stripe, cut_at, oldest, oldest_number, tail, number):
        """Section "Reading a store", step 2: (region, number, end in it), oldest first."""
        region, end = (tail >> 24) - 1, (tail & 0xFFFFFF) * 16
        if not REGION_HEADER <= end <= self.region_bytes:
            raise Damage(cut_at + 16, f"a tail from 64 to {self.region_bytes}", end)
        regions, named_at = [], cut_at + 16
        while True:
            if not 0 <= region < self.regions:
                raise Damage(named_at, f"a region id below {self.regions}", region)
            predecessor, its_number = self.read_region(region, stripe, number, 0)
            self.taken[region] = 1
            regions.append((region, number, end))
            if (region + 1, number) == (oldest, oldest_number):
                return reversed(regions)
            named_at = self.region_at(region) + 48
            if predecessor == 0 or not 0 <= its_number < number:
                raise Damage(named_at, f"a predecessor with a number below {number}",
                             f"region {predecessor - 1} with {its_number}")
            region, number, end = predecessor - 1, its_number, self.region_bytes

    def records(self, stripe, chain):
        """Section "Reading a store", step 3: all puts and tombstones, verified, in order."""
        for region, number, end in chain:
            at, next_region_at = self.region_at(region), self.region_at(region + 1)
            at, end = at + REGION_HEADER, at + end
            least = LEAST_RECORD if end == next_region_at else 1
            while end - at >= least:
                record = self.read_record(at, end, stripe, number)
                if record.kind != FILLER:
                    yield record
                at += record.bytes

    def read_record(self, at, end, stripe, number):
        if end - at < LEAST_RECORD:
            raise Damage(at, f"a record of {LEAST_RECORD} bytes or more", f"{end - at} to the tail")
        record = Record(self.data, at)
        if not PUT <= record.kind <= FILLER:
            raise Damage(at + 12, "kind 1 to 3", record.kind)
        if record.flags > ALL_FLAGS:
            raise Damage(at + 13, f"flags up to {ALL_FLAGS}", record.flags)
        if record.overwrites > MOST_OVERWRITES:
            raise Damage(at + 14, f"a count up to {MOST_OVERWRITES}", record.overwrites)
        if record.heat > MOST_HEAT:
            raise Damage(at + 15, f"heat up to {MOST_HEAT}", record.heat)
        if record.key_length < 0 or record.value_length < 0:
            raise Damage(at + 16, "lengths", f"{record.key_length} and {record.value_length}")
        if not LEAST_RECORD <= record.bytes <= end - at or record.bytes % 16:
            raise Damage(at + 16, f"a record of 32 to {end - at} bytes", record.bytes)
        summed = at + (RECORD_HEADER if record.kind == FILLER else record.bytes)
        register = self.identity(stripe, number, at)
        expect_checksum(at + 8, self.checksum_without(at + 8, at, summed, register), record.crc)
        return record

    def content_at(self, record):
        """Section "Record": where its key lies and where its value."""
        key_at = value_at = record.inline_at
        if record.flags & ANY_RUN:
            run_content = self.region_at(record.reference()[0]) + REGION_HEADER
            key_at = run_content if record.flags & KEY_IN_RUN else key_at
            value_at = run_content if record.flags & VALUE_IN_RUN else value_at
        return key_at, value_at + (record.key_length if key_at == value_at else 0)

    def key(self, record):
        at, _ = self.content_at(record)
        key = bytes(self.data[at:at + record.key_length])
        if record.flags & ANY_RUN:
            expect_checksum(record.run_at + 20, checksum(key), record.reference()[4])
        return key

    def value(self, record):
        _, at = self.content_at(record)
        return self.data[at:at + record.value_length]

    def read_stripe(self, stripe, cut_at):
        """Section "Reading a store", steps 2 to 4: the newest record of each key that lies in
        records, and all records whose keys lie in runs, as offsets."""
        oldest, oldest_number, tail, number, last_version, *_ = CUT.unpack_from(self.data, cut_at)
        chain = self.chain(stripe, cut_at, oldest, oldest_number, tail, number) if tail else ()
        newest, keyed = {}, []
        for record in self.records(stripe, chain):
            if not 1 <= record.version <= last_version:
                raise Damage(record.at, f"a version from 1 to {last_version}", record.version)
            if record.flags & KEY_IN_RUN:
                keyed.append(record.at)
            else:
                self.supersede(newest, self.key(record), record)
        return newest, keyed

    def supersede(self, newest, key, record):
        """Step 4."""
        known = newest.get(key)
        if known is None or record.version >= Record(self.data, known).version:
            newest[key] = record.at

    def verify_run(self, spans, stripe, record):
        """Step 5."""
        first, count, number, run_crc, _ = record.reference()
        self.read_region(first, stripe, number, count)
        taken = self.taken.find(1, first, first + count)
        if taken >= 0:
            raise Damage(self.region_at(taken), f"a region of run {number}", "one of another life")
        at = self.region_at(first)
        begin = at + REGION_HEADER
        register = self.identity(stripe, number, at)
        register = spans.advance(register, begin, begin + record.content)
        expect_checksum(begin, run_crc, register ^ 0xFFFFFFFF)
        self.taken[first:first + count] = b"\1" * count

    def broken_runs(self, candidates):
        """Step 5: what is wrong with the runs of records, by the offset of the record. Greater
        allocation numbers go first: where runs overlap, the older one was used again. A number is
        given once, so all records that name it must be copies of one."""
        spans, known, broken = Spans(self.data), {}, {}
        for number, stripe, at in sorted(candidates, reverse=True):
            record = Record(self.data, at)
            first, count, *_ = reference = record.reference()
            regions = -(-(REGION_HEADER + record.content) // self.region_bytes)
            expect(record.run_at, "number of regions", regions, count)
            if not 0 <= first <= self.regions - count:
                raise Damage(record.run_at, f"a run within {self.regions} regions", first)
            name = stripe, record.flags & ANY_RUN, record.key_length, record.content, reference
            if number not in known:
                known[number] = name, None
                try:
                    self.verify_run(spans, stripe, record)
                except Damage as damage:
                    known[number] = name, damage.args
            known_name, wrong = known[number]
            if name != known_name:
                wrong = record.run_at, f"the one reference to run {number}", "a second"
            if wrong:
                broken[at] = wrong
        return broken

    def place_keys_in_runs(self, newest, keyed, broken):
        """Steps 4 and 5: a run that is not right is no damage if the chain has a record with the
        same checksum of the key and a greater version."""
        lost, versions = [], {}
        for record in (Record(self.data, at) for at in keyed):
            name = record.key_length, record.reference()[4]
            versions[name] = max(versions.get(name, 0), record.version)
            if record.at in broken:
                lost.append((name, record.version, record.at))
            else:
                self.supersede(newest, self.key(record), record)
        lengths = {length for (length, _), _, _ in lost}
        for key, at in newest.items():
            if len(key) in lengths:
                name = len(key), checksum(key)
                versions[name] = max(versions.get(name, 0), Record(self.data, at).version)
        for name, version, at in lost:
            if versions[name] <= version:
                raise Damage(*broken[at])

    def live(self):
        """Section "Reading a store", steps 2 to 6: keys, and the offsets of their records."""
        stripes, candidates = [], []
        for stripe in range(self.stripes):
            cut_at = self.slot_at + CUTS + CUT_BYTES * stripe
            newest, keyed = self.read_stripe(stripe, cut_at)
            stripes.append((cut_at, newest, keyed))
            for record in (Record(self.data, at) for at in (*newest.values(), *keyed)):
                if record.flags & KEY_IN_RUN or record.kind == PUT and record.flags & ANY_RUN:
                    candidates.append((record.reference()[2], stripe, record.at))
        broken = self.broken_runs(candidates)
        entries = {}
        for cut_at, newest, keyed in stripes:
            self.place_keys_in_runs(newest, keyed, broken)
            count = size = 0
            for key, at in newest.items():
                record = Record(self.data, at)
                if record.kind == PUT:
                    if at in broken:
                        raise Damage(*broken[at])
                    if key in entries:
                        raise Damage(at, "a key of this stripe", "one that another has, too")
                    entries[key] = at
                    count += 1
                    runs = record.reference()[1] if record.flags & ANY_RUN else 0
                    size += record.bytes + runs * self.region_bytes
            *_, live_count, live_bytes = CUT.unpack_from(self.data, cut_at)
            expect(cut_at + 40, "a count of live entries of", count, live_count)
            expect(cut_at + 48, "live bytes of", size, live_bytes)
        return entries


UNSAFE = re.compile("[\0-\x1f\x7f\\\\\ufeff\udc80-\udcff]")
NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "\ufeff": "\\xef\\xbb\\xbf"}


def escape(match):
    return NAMED.get(match[0]) or f"\\x{ord(match[0]) & 255:02x}"


def write_escaped(out, data):
    """As `cairn dump --format tsv` writes keys and values; what is no UTF-8 is U+DC80 to U+DCFF."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for at in range(0, len(data), 65536):
        text = decoder.decode(data[at:at + 65536], at + 65536 >= len(data))
        out.write(UNSAFE.sub(escape, text).encode())


def run(path, form, now, out):
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("not a regular file")
    with open(path, "rb") as file:
        empty = os.fstat(file.fileno()).st_size == 0
        data = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    store = Store(memoryview(data))
    entries = store.live()
    if form == "check":
        out.write(b"sound, %d entries\n" % len(entries))
        return
    keys = [key for key, at in entries.items() if now is None or not Record(data, at).expired(now)]
    if form == "count":
        out.write(b"%d\n" % len(keys))
        return
    for key in sorted(keys):
        write_escaped(out, key)
        out.write(b"\t")
        write_escaped(out, store.value(Record(data, entries[key])))
        out.write(b"\n")


def main():
    parser = argparse.ArgumentParser(
        description="Lists the live entries of a closed Cairn store, sorted by key.")
    parser.add_argument("file", metavar="FILE", help="the data file")
    parser.add_argument("--format", choices=("tsv", "count", "check"), default="tsv")
    parser.add_argument("--now", metavar="MILLIS", type=int,
                        help="leave out what expires at this time or before")
    arguments = parser.parse_args()
    try:
        run(arguments.file, arguments.format, arguments.now, sys.stdout.buffer)
        sys.stdout.flush()
        return 0
    except Damage as damage:
        problem, status = "at byte {}: expected {}, found {}".format(*damage.args), 3
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 4
    except OSError as error:
        problem, status = error.strerror or str(error), 4
    name = "".join(c if c.isprintable() else "?" for c in arguments.file)
    print(f"{name}: {problem}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
