#!/usr/bin/env python3
"""Records that are overwritten in place: random histories with kills and power losses.

A record that was committed after every cut so far is young. A put of the same key and size may
take its place instead of going to the tail. The steps, with the stripe's lock held:

  X1   the image, with the checksum for its final place, is staged behind the tail
  X2   companions: slot, slot word at the end, staging place, version
  X3   INTENT := IN_PLACE, which is the commit
  X3a  IN_PLACE_VERSION := version, for feeds
  X4   slot word := {staging place, count + 1}: readers see the new value
  X5   the image is copied to its place
  X6   slot word := {place, count + 2}
  X7   VERSION
  X8   INTENT := 0

The model has two stripes of five keys. Regions have six granules, and records one or two. Each
granule is two words, so that any store and any write-back can leave a mixture. There are folds,
cleaning by windows, tail regions that are given up (U1 to U3), tables that grow, checkpoints that
are in flight, fail, or die, and pages that the kernel drops after a failed write-back. Readers,
near cache and feeds may come at any time. There are kills between any two stores, also of repairs,
and power losses.

What a holder, a reader or a repair does is a generator, which yields after each store or load.
After every finished operation the model imagines a cut. The replay of that cut must give the
history.

Usage: inplace.py [closed [histories [seed]] | canaries [name]]
"""
import random
import sys
import time
from collections import namedtuple

STRIPES, REGIONS, GRANULES, AREAS = 2, 12, 6, 4
KEYS = {0: 'abcde', 1: 'vwxyz'}
STRIPE = {key: stripe for stripe, keys in KEYS.items() for key in keys}
WHOLE, SHORT, IN_PLACE = 1, 2, 3
# A LONG put has an expiry or a run, so it never overwrites another in place.
PUT, LONG, TOMBSTONE, FILLER = 'put', 'long', 'tombstone', 'filler'
MOST = 6  # the greatest count in a slot word, which is 63 in the store

# The checksum of an image is for one place in one life of a region, and covers the count.
Image = namedtuple('Image', 'version kind key value size count place number')
# A spot says where a record goes, and what happens to the log for that.
Spot = namedtuple('Spot', 'place number oldest dead copies')


class Broken(Exception):
    """A promise is broken."""


class Damage(Exception):
    """A loss by a dropped page was noticed and reported, which is allowed."""


RULES = dict(
    cut_version='cut',       # or 'never' or 'late', as canaries have it
    cut_repairs=True,        # a cut repairs each stripe first
    recovery_version=True,   # a recovery sets CUT_VERSION := VERSION
    recovery_counts=True,    # a recovery takes counts from the records
    recovery_zeroes=True,    # a recovery zeroes what is behind the tails
    same_size=True,          # only a record of the same size is overwritten
    staged=True,             # X1
    odd=True,                # X4
    counted=True,            # an overwrite raises the count
    wraps=False,             # the count starts anew when it is used up
    confirm_slot=True,       # a reader loads the slot word again
    reader_count='any',      # it compares counts; or only at 'even' slot words, or at 'no' slot word
    heal_count=True,         # healing compares counts
    copy_count=True,         # whoever copies a record compares its count
    mask_moves=True,         # the cleaner compares places without their counts
    growth='carry',          # or 'drop' the counts, or 'resume' the table of a dead grower
    redo='own',              # IN_PLACE is redone as 'short', as 'whole', or begun 'behind X5'
    short_redo='own',        # or SHORT is redone as 'whole'
    give_up=True,            # U1
    stage_given_up=False,    # images are staged behind a tail that was given up
    stage_noted=True,        # a live writer that fails knows that it staged something
    repair_first=True,       # an unclean open repairs and then verifies
    feed_looks=True,         # a feed looks at IN_PLACE_VERSION
    in_place=True,           # if False, records are only appended
)


class Store:
    def __init__(self, rules):
        self.rules = rules
        # For each word, what the disk may have of it, oldest first. The last is what memory has.
        self.history = {('head', r): [None] for r in range(REGIONS)}
        for r in range(REGIONS):
            for w in range(2 * GRANULES):
                self.history[('word', r, w)] = [None]
        self.history[('slot', 0)], self.history[('slot', 1)] = [(0, {}, {})], [None]
        self.clean = set()      # the words of pages that a failed write-back marked clean
        self.lost = False       # the next force reports an error
        self.dropped = False    # the kernel dropped such a page
        self.number = 0         # the last number of a region; none is ever given twice
        self.stats = {}
        self.values = {}        # what the history says
        self.born()

    def born(self):
        """Makes the shared memory anew."""
        self.epoch, self.durable, self.durable_slot = 1, 0, 0
        self.cut = None
        self.failed = self.attempt = False
        self.owner = [(None, 0, True)] * REGIONS    # stripe, number, whether dead
        self.life = [(0, 0)] * REGIONS              # the epochs of birth and death
        self.tables = [{} for _ in range(AREAS)]
        self.words = [dict(
            version=0, cut_version=0, in_place_version=0, tail=None, tail_number=0, oldest=None,
            table=(t, 0), live=0, intent=0, next=None, building=None, moved_from=False,
            given_up=None, dead_holder=False, line1={}, line2={}) for t in range(STRIPES)]
        self.pending = [None] * STRIPES             # committed, and not yet seen by readers
        self.holder = [None] * STRIPES
        self.wrote = [False] * STRIPES              # whether the holder wrote behind the tail
        self.forget_processes()

    def forget_processes(self):
        self.readers, self.cached = {}, {}
        self.feeds = [None] * STRIPES

    def count(self, what):
        self.stats[what] = self.stats.get(what, 0) + 1

    # ---- Words and records

    def load(self, at):
        return self.history[at][-1]

    def store(self, at, value):
        self.history[at].append(value)
        self.clean.discard(at)

    def word(self, place, j):
        return self.load(('word', place[0], 2 * place[1] + j))

    def read(self, place):
        """The image that begins at a place, or None if none is whole there."""
        words = []
        length = 1
        while len(words) < length:
            if 2 * place[1] + len(words) >= 2 * GRANULES:
                return None
            words.append(self.word(place, len(words)))
            length = self.length(words[0])
        return self.whole(words)

    @staticmethod
    def length(first):
        """How many words a record has, by its first one. A filler is only a header."""
        if first is None or first[1] != 0:
            return 1
        return 2 if first[0].kind == FILLER else 2 * first[0].size

    @staticmethod
    def whole(words):
        if words[0] is None:
            return None
        image = words[0][0]
        same = all(word == (image, j) for j, word in enumerate(words))
        return image if same else None

    def store_record(self, image, place):
        for j in range(self.length((image, 0))):
            at = 2 * place[1] + j
            if at < 2 * GRANULES:
                self.store(('word', place[0], at), (image, j))
                yield

    def lies(self, image, place):
        """Whether an image has the checksum for a place, in this life of the region."""
        return image is not None and (image.place, image.number) == (
            place, self.owner[place[0]][1])

    def records(self, region, number, end):
        """The records of a region, one after the other."""
        at = 0
        while at < end:
            place = (region, at)
            image = self.read(place)
            if not self.lies(image, place) or image.number != number:
                if self.dropped:
                    raise Damage()
                raise Broken(f'no record at {place}: {image}')
            if image.kind != FILLER:
                yield image
            at += image.size

    # ---- Index

    def slot(self, key):
        table, _ = self.words[STRIPE[key]]['table']
        return self.tables[table].get(key)

    def points(self, image, masked=True):
        """Whether the index points to a record. Places are compared, and counts are not."""
        slot = self.slot(image.key)
        if slot is None:
            return False
        return slot[0] == image.place if masked else slot == (image.place, 0)

    def proven(self, image):
        """Compares counts, since a checksum does not tell an older image of the same place."""
        slot = self.slot(image.key)
        if self.rules['copy_count'] and slot[1] != 2 * image.count:
            if self.dropped:
                raise Damage()
            raise Broken(f'{image} is overwritten {image.count} times, its slot word says {slot}')

    def grow(self, t):
        """G1 to G4: fills another table from the old one, slot by slot."""
        words = self.words[t]
        old, generation = words['table']
        area = words['building'] if self.rules['growth'] == 'resume' else None
        if area is None:
            used = {w['table'][0] for w in self.words} | {w['building'] for w in self.words}
            area = min(set(range(AREAS)) - used)
            words['building'] = area
            yield
            self.tables[area] = {}
            yield
        for key, (place, count) in sorted(self.tables[old].items()):
            if key not in self.tables[area]:
                kept = 0 if self.rules['growth'] == 'drop' else count
                self.tables[area][key] = (place, kept)
                yield
        words['table'] = (area, generation + 1)
        self.count('tables')
        yield
        words['building'] = None
        yield

    # ---- Regions

    def chain(self, t):
        """The regions of a stripe, oldest first."""
        words = self.words[t]
        if not words['tail']:
            return []
        at, chain = (words['tail'][0], words['tail_number']), []
        while True:
            head = self.load(('head', at[0]))
            if head is None or head == 'torn' or head[:2] != (at[1], t):
                raise Broken(f'chain of stripe {t} is broken at {at}: {head}')
            chain.insert(0, at)
            if at == words['oldest']:
                return chain
            if head[2] is None:
                raise Broken(f'chain of stripe {t} ends before the oldest region')
            at = head[2]

    def end(self, t, region):
        tail = self.words[t]['tail']
        return tail[1] if region == tail[0] else GRANULES

    def claim(self, t):
        self.number += 1
        number = self.number
        for region in range(REGIONS):
            birth, death = self.life[region]
            if self.owner[region][2] and (birth == death or death <= self.durable):
                self.words[t]['next'] = (region, number)
                yield
                if not self.owner[region][2]:
                    continue
                self.owner[region] = (t, number, False)
                yield
                self.life[region] = (self.epoch, 0)
                yield
                return region, number
        self.words[t]['next'] = None
        return None

    def counting(self, t, without):
        """What counts of the tail region: current records, and the newest tombstones of absent
        keys."""
        words = self.words[t]
        region, number = words['tail'][0], words['tail_number']
        images = list(self.records(region, number, words['tail'][1]))
        newest = {image.key: image for image in images if image.kind == TOMBSTONE}
        keep = []
        for image in images:
            if image.kind == TOMBSTONE:
                counts = self.slot(image.key) is None and newest[image.key] == image
            else:
                counts = self.points(image)
            if counts and image.key != without:
                if image.kind != TOMBSTONE:
                    self.proven(image)
                keep.append(image)
        return keep

    def reserve(self, t, size, keep):
        """W2: a place for so much. If it does not fit, a new region is claimed. That replaces the
        tail's region if what must be kept of that is given. None if there is no room."""
        words = self.words[t]
        tail = words['tail']
        self.wrote[t] = True
        if tail and keep is None and tail[1] + size <= GRANULES:
            return Spot(tail, words['tail_number'], words['oldest'], None, [])
        claimed = yield from self.claim(t)
        if claimed is None:
            return None
        region, number = claimed
        old = tail and (tail[0], words['tail_number'])
        before, oldest, dead, copies = old, words['oldest'] or claimed, None, []
        if keep is not None:
            before, dead = self.load(('head', tail[0]))[2], old
            if old == oldest:
                before, oldest = None, claimed
        self.store(('head', region), 'torn')
        yield
        self.store(('head', region), (number, t, before))
        yield
        at = 0
        if keep is None and tail and tail[1] < GRANULES:
            rest = GRANULES - tail[1]
            filler = Image(0, FILLER, None, None, rest, 0, tail, words['tail_number'])
            yield from self.store_record(filler, tail)
        if keep:
            at = yield from self.copy(keep, (region, 0), number)
            copies = [(tail[0], 0, at)]
        self.count('rolls' if keep is None else 'folds')
        return Spot((region, at), number, oldest, dead, copies)

    def copy(self, images, place, number):
        """Stores copies, which keep their versions and begin with a count of 0. Returns where they
        end."""
        region, at = place
        for image in images:
            place = (region, at)
            copy = image._replace(count=0, place=place, number=number)
            yield from self.store_record(copy, place)
            at += image.size
        return at

    def fold(self, t, size, without):
        """What a fold keeps if so much does not fit into the tail region. None if there is no
        fold."""
        tail = self.words[t]['tail']
        if not tail or tail[1] + size <= GRANULES:
            return None
        keep = self.counting(t, without)
        kept = sum(image.size for image in keep)
        return keep if kept <= GRANULES // 2 and kept + size <= GRANULES else None

    # ---- Writes, with the stripe's lock held

    def renew(self, t):
        """U2 and U3: nothing is appended behind a tail that was given up."""
        words = self.words[t]
        if words['given_up'] is None:
            return True
        if words['given_up'] == words['tail_number']:
            spot = yield from self.reserve(t, 0, self.counting(t, None))
            if spot is None:
                return False
            self.count('renewals')
            yield from self.commit_whole(t, spot, 0)
        words['given_up'] = None
        yield
        return True

    def put(self, t, key, kind, size, value):
        if self.may_overwrite(t, key, kind, size):
            yield from self.overwrite(t, key, size, value)
        else:
            yield from self.append(t, key, kind, size, value)

    def may_overwrite(self, t, key, kind, size):
        words, slot = self.words[t], self.slot(key)
        if not self.rules['in_place'] or slot is None or kind != PUT:
            return False
        image = self.read(slot[0])
        return (image is not None and image.kind == PUT
                and (image.size == size or not self.rules['same_size'])
                and (image.version > words['cut_version'] or self.rules['cut_version'] == 'never')
                and (slot[1] + 2 <= MOST or self.rules['wraps'])
                and words['tail'][1] + size <= GRANULES
                and (words['given_up'] != words['tail_number'] or self.rules['stage_given_up']))

    def overwrite(self, t, key, size, value):
        words, (place, count) = self.words[t], self.slot(key)
        if self.rules['counted']:
            count = (count + 2) % 4 if self.rules['wraps'] else count + 2
        staging = words['tail']
        self.wrote[t] = self.rules['stage_noted']
        image = Image(words['version'] + 1, PUT, key, value, size, count // 2, place,
                      self.owner[place[0]][1])
        if self.rules['staged']:
            yield from self.store_record(image, staging)                            # X1
        words['line1'] = dict(words['line1'], slot_at=(words['table'][0], key),
                              slot_word=(place, count), tail=staging,
                              version=image.version)                                # X2
        yield
        self.pending[t] = (key, value)
        words['intent'] = IN_PLACE                                                  # X3
        self.count('in place')
        yield
        yield from self.finish_in_place(t, image)

    def finish_in_place(self, t, image):
        """X3a to X8, by the writer or by whoever repairs. Only the first line is used."""
        words = self.words[t]
        line = words['line1']
        (area, key), (place, count), staging = line['slot_at'], line['slot_word'], line['tail']
        slots = self.tables[area]
        words['in_place_version'] = line['version']                                 # X3a
        yield
        if slots.get(key) != (place, count) or not self.rules['counted']:
            if self.rules['odd']:
                slots[key] = (staging if self.rules['staged'] else place, count - 1)  # X4
                self.visible(t)
                yield
            if self.lies(image, place) and image.version == line['version']:
                yield from self.store_record(image, place)                          # X5
            slots[key] = (place, count)                                             # X6
            self.visible(t)
            yield
        words['version'] = line['version']                                          # X7
        yield
        words['intent'] = 0                                                         # X8
        yield

    def append(self, t, key, kind, size, value):
        words = self.words[t]
        if not (yield from self.renew(t)):
            return
        slot = self.slot(key)
        old = slot and self.read(slot[0])
        if slot and old is None:
            raise Damage() if self.dropped else Broken(f'{key}: no record at {slot}')
        tail = words['tail']
        short = (kind == PUT and (old is None or old.kind == PUT) and tail is not None
                 and tail[1] + size <= GRANULES and not words['moved_from'])
        spot = yield from self.reserve(t, size, self.fold(t, size, key))
        if spot is None:
            return
        image = Image(words['version'] + 1, kind, key, value, size, 0, spot.place, spot.number)
        yield from self.store_record(image, spot.place)                             # W3
        live = words['live'] + (size if kind != TOMBSTONE else 0) - (old.size if old else 0)
        slot_word = (spot.place, 0) if kind != TOMBSTONE else None
        line1 = dict(slot_at=(words['table'][0], key), slot_word=slot_word,
                     version=image.version, live=live)
        if not short:
            yield from self.commit_whole(t, spot, size, line1, value)
            return
        words['line1'] = dict(line1, tail=(spot.place[0], spot.place[1] + size))    # W4
        yield
        self.pending[t] = (key, value)
        words['intent'] = SHORT                                                     # W5
        self.count('short')
        yield
        yield from self.finish_short(t)

    def window(self, t, most):
        """E1: some current records of the oldest region move by one commit. E2: if there is none,
        the region leaves the chain."""
        words = self.words[t]
        if not words['tail'] or not (yield from self.renew(t)):
            return
        region, number = words['oldest']
        if region == words['tail'][0]:
            return
        images = [image for image in self.records(region, number, GRANULES)
                  if image.kind != TOMBSTONE and self.points(image, self.rules['mask_moves'])]
        if not images:
            _, successor = self.chain(t)[:2]
            here = Spot(words['tail'], words['tail_number'], successor, words['oldest'], [])
            self.count('regions left')
            yield from self.commit_whole(t, here, 0)
            return
        images = images[:most]
        room = GRANULES - words['tail'][1]
        while len(images) > 1 and sum(image.size for image in images) > room:
            images.pop()
        for image in images:
            self.proven(image)
        size = sum(image.size for image in images)
        spot = yield from self.reserve(t, size, self.fold(t, size, None))
        if spot is None:
            return
        words['moved_from'] = True
        yield
        end = yield from self.copy(images, spot.place, spot.number)
        spot.copies.append((region, spot.place[1], end))
        self.count('windows')
        yield from self.commit_whole(t, spot, size, moves=True)

    def commit_whole(self, t, spot, size, line1=None, value=None, moves=False):
        """W4 and W5 with all companions, and then the rest."""
        words = self.words[t]
        line1 = line1 or dict(slot_at=None, slot_word=None, version=words['version'],
                              live=words['live'])
        area, generation = words['table']
        words['line1'] = dict(line1, tail=(spot.place[0], spot.place[1] + size))    # W4
        words['line2'] = dict(tail_number=spot.number, oldest=spot.oldest, dead=spot.dead,
                              table=(area, generation + (1 if spot.dead else 0)),
                              epoch=self.epoch, copies=spot.copies)
        yield
        words['moved_from'] = moves
        yield
        if line1['slot_at']:
            self.pending[t] = (line1['slot_at'][1], value)
        words['intent'] = WHOLE                                                     # W5
        self.count('whole')
        yield
        yield from self.finish_whole(t)

    def finish_short(self, t):
        words = self.words[t]
        line = words['line1']
        yield from self.swing(t, line)                                              # W6
        words['version'], words['live'] = line['version'], line['live']             # W8
        yield
        words['tail'] = line['tail']                                                # W9
        yield
        words['intent'] = 0                                                         # W12
        yield

    def finish_whole(self, t):
        words = self.words[t]
        line, more = words['line1'], words['line2']
        dead = more['dead']
        for origin, first, end in more['copies']:
            # Copies are found by a walk. Each swings the slot that still points to the original.
            if dead and origin == dead[0] and self.owner[origin] != (t, dead[1], False):
                continue
            at = first
            while at < end:
                place = (line['tail'][0], at)
                image = self.read(place)
                if not self.lies(image, place):
                    raise Damage() if self.dropped else Broken(f'no copy at {place}: {image}')
                slot = self.slot(image.key)
                if image.kind != TOMBSTONE and slot and slot[0][0] == origin:
                    self.tables[words['table'][0]][image.key] = (place, 0)          # W6
                    yield
                at += image.size
        yield from self.swing(t, line)
        words['table'] = more['table']                                              # W7
        yield
        words['version'], words['live'] = line['version'], line['live']             # W8
        yield
        words['oldest'] = more['oldest']
        yield
        words['tail_number'] = more['tail_number']
        yield
        words['tail'] = line['tail']                                                # W9
        yield
        words['next'] = None                                                        # W10
        yield
        if dead and self.owner[dead[0]] == (t, dead[1], False):                     # W11
            self.life[dead[0]] = (self.life[dead[0]][0], more['epoch'])
            yield
            self.owner[dead[0]] = (t, dead[1], True)
            yield
        words['intent'] = 0                                                         # W12
        yield
        words['moved_from'] = False
        yield

    def swing(self, t, line):
        if line['slot_at']:
            area, key = line['slot_at']
            if line['slot_word'] is None:
                self.tables[area].pop(key, None)
            else:
                self.tables[area][key] = line['slot_word']
            self.visible(t)
            yield

    def visible(self, t):
        """The store that lets readers see a committed write was just made."""
        if self.pending[t]:
            key, value = self.pending[t]
            self.values[key] = value
            self.pending[t] = None

    # ---- Deaths of holders

    def take(self, t):
        """W1: U1 if the last holder died, then the repair."""
        words = self.words[t]
        if words['dead_holder'] and words['intent'] == 0 and self.rules['give_up']:
            if words['moved_from'] or self.written_behind(words['tail']):
                words['given_up'] = words['tail_number']
                word = self.word(words['tail'], 0) if words['tail'][1] < GRANULES else None
                other = word is not None and word[0].place != words['tail']
                self.count('given up for no record' if other else 'given up')
                yield
        yield from self.repair(t)

    def written_behind(self, tail):
        """Whether the first 16 bytes, here a word, are not all 0. Inside a record they may be 0."""
        if not tail or tail[1] == GRANULES:
            return False
        word = self.word(tail, 0)
        return word is not None and (word[1] == 0 or word[0].value is None or word[0].value % 2)

    def repair(self, t):
        words = self.words[t]
        redo = self.rules['redo']
        if words['intent'] == IN_PLACE:
            self.count('redone in place')
            if redo == 'short' and 'live' in words['line1']:
                yield from self.finish_short(t)
                return
            staged = self.read(words['line1']['tail'])
            yield from self.finish_in_place(t, None if redo == 'behind X5' else staged)
            if redo == 'whole' and words['line2']:
                yield from self.finish_whole(t)
        elif words['intent'] == SHORT and (
                self.rules['short_redo'] == 'own' or not words['line2']):
            self.count('redone short')
            yield from self.finish_short(t)
        elif words['intent']:
            self.count('redone whole')
            yield from self.finish_whole(t)
        if words['next']:
            region, number = words['next']
            if self.owner[region] == (t, number, False):
                self.life[region] = (self.epoch, self.epoch)
                yield
                self.owner[region] = (t, number, True)
                yield
            words['next'] = None
            yield
        if self.rules['growth'] != 'resume':
            words['building'] = None
            yield

    def hold(self, t, name, *arguments):
        self.wrote[t] = False
        yield from self.take(t)
        if name == 'grow':
            yield from self.grow(t)
        elif self.failed:
            return
        elif name == 'put':
            yield from self.put(t, *arguments)
        elif name == 'remove' and self.slot(arguments[0]):
            yield from self.append(t, arguments[0], TOMBSTONE, 1, None)
        elif name == 'window':
            yield from self.window(t, *arguments)

    def step(self, t, steps):
        for _ in range(steps):
            if self.holder[t] is None:
                return
            try:
                next(self.holder[t])
            except StopIteration:
                self.holder[t] = None
                self.words[t]['dead_holder'] = False
                self.quiet(t)

    def kill(self, t):
        if self.holder[t]:
            self.holder[t].close()
            self.holder[t] = None
            self.words[t]['dead_holder'] = True
            self.count('kills')

    def fail(self, t):
        """An error in a live holder. It repairs its own work, with U1 if it knows that it wrote."""
        if self.holder[t]:
            self.holder[t].close()
            self.holder[t] = None
            self.words[t]['dead_holder'] |= self.wrote[t]
            self.count('errors')
            self.hold_quietly(t)

    def finish(self, t):
        """Lets a stripe's holder come to its end."""
        while self.holder[t]:
            self.step(t, 1)

    def hold_quietly(self, t):
        """Holds a stripe for a cut or for an opening."""
        for _ in self.take(t):
            pass
        self.words[t]['dead_holder'] = False

    # ---- Readers, near cache and feed

    def reader(self, key, current):
        """R1 to R5, one load at each step. Where a reader would look again, this one gives up."""
        words = self.words[STRIPE[key]]
        table = words['table']
        yield
        slot = self.tables[table[0]].get(key)
        yield
        loaded, length, dropped = [], 1 if slot else 0, False
        while len(loaded) < length:
            if 2 * slot[0][1] + len(loaded) >= 2 * GRANULES:
                break
            loaded.append(self.word(slot[0], len(loaded)))
            dropped = dropped or self.dropped   # it may be mended before the call ends
            length = self.length(loaded[0])
            yield
        now = self.tables[table[0]].get(key)
        yield
        if words['table'] != table or slot and now != slot and self.rules['confirm_slot']:
            return
        image = self.whole(loaded) if loaded else None
        if slot:
            odd = slot[1] % 2
            compared = self.rules['reader_count']
            wrong = (image is None or image.key != key or not self.lies(image, image.place)
                     or not odd and image.place != slot[0])
            if not wrong and (compared == 'any' or compared == 'even' and not odd):
                wrong = image.count != (slot[1] + 1) // 2
            if wrong:
                if dropped:
                    raise Damage()
                raise Broken(f'reader of {key}: both words unchanged, {loaded} at {slot}')
            if odd:
                self.count('reads of staged images')
        value = image.value if image else None
        if value not in current:
            raise Broken(f'reader of {key}: {value}, but during the call there was {current}')
        if image:
            self.cached[key] = (table, slot, value)

    def hit(self, key, current):
        """H2: first the slot word and then the table word must be what they were."""
        table, slot, value = self.cached[key]
        same = self.tables[table[0]].get(key) == slot
        yield
        if same and self.words[STRIPE[key]]['table'] == table:
            self.count('near-cache hits')
            if value not in current:
                raise Broken(f'near cache of {key}: {value}, but there was {current}')
        else:
            self.cached.pop(key, None)

    def call(self, kind, key):
        """One more step of the reader of a key, or of its look into the near cache."""
        if (kind, key) not in self.readers:
            if kind == 'hit' and key not in self.cached:
                return
            current = {self.values.get(key)}
            run = self.reader if kind == 'read' else self.hit
            self.readers[(kind, key)] = (run(key, current), key, current)
        try:
            next(self.readers[(kind, key)][0])
        except StopIteration:
            del self.readers[(kind, key)]

    def feed(self, t):
        """Looks once at the log, with the words as they are. This may be repeated at any time."""
        words, feed = self.words[t], self.feeds[t]
        if not words['tail'] or self.dropped or words['intent'] in (WHOLE, SHORT):
            return
        tail = (words['tail_number'], words['tail'][1])
        if feed is None:
            self.feeds[t] = dict(at=tail, version=words['version'], replica=None)
            return
        if feed['replica'] is None:
            feed['replica'] = self.stripe_values(t)
        told = feed['version']
        chain = self.chain(t)
        numbers = [number for _, number in chain]
        number, offset = feed['at']
        if number not in numbers:
            number, offset = min([n for n in numbers if n > number], default=None), 0
        lagged = number is None or feed['at'][0] < numbers[0]
        news = []
        for region, n in chain:
            if not lagged and n >= number:
                at = offset if n == number else 0
                while at < self.end(t, region):
                    image = self.read((region, at))
                    if not self.lies(image, (region, at)):
                        if self.rules['feed_looks'] and words['in_place_version'] > told:
                            lagged = True
                            break
                        raise Broken(f'feed of stripe {t}: damage at {(region, at)}: {image}')
                    if image.kind != FILLER and image.version > feed['version']:
                        feed['version'] = image.version
                        news.append(image)
                    at += image.size
        if lagged or self.rules['feed_looks'] and words['in_place_version'] > told:
            self.count('feeds lagged')
            feed.update(at=tail, version=words['version'], replica=None)
            return
        for image in news:
            feed['replica'][image.key] = image.value
        feed['at'] = tail
        self.count('feeds told')
        if words['intent'] == 0 and words['version'] == feed['version']:
            replica = {k: v for k, v in feed['replica'].items() if v is not None}
            if replica != self.stripe_values(t):
                raise Broken(f'feed of stripe {t}: {replica}, store: {self.stripe_values(t)}')

    def stripe_values(self, t):
        return {k: v for k, v in self.values.items() if STRIPE[k] == t and v is not None}

    # ---- Checkpoints, failed forces, dropped pages

    def begin_cut(self, killed):
        if self.cut or any(words['tail'] is None for words in self.words):
            return
        for t in range(STRIPES):
            self.finish(t)
            if self.rules['cut_repairs'] or self.words[t]['intent'] != IN_PLACE:
                self.hold_quietly(t)
        if self.attempt:
            self.heal()
        names = ('tail', 'tail_number', 'oldest', 'version')
        cut = {t: {n: self.words[t][n] for n in names} for t in range(STRIPES)}
        values = {k: v for k, v in self.values.items() if v is not None}
        for t in range(STRIPES):
            if self.rules['cut_version'] == 'cut':
                self.words[t]['cut_version'] = self.words[t]['version']
                if killed and t == 0:
                    return
        self.cut = dict(epoch=self.epoch, words=cut, values=values, state='cut')
        self.epoch += 1
        if killed:
            self.cut = None

    def force(self):
        if not self.cut or self.cut['state'] != 'cut':
            return
        if self.rules['cut_version'] == 'late':
            for words in self.words:
                words['cut_version'] = words['version']
        self.attempt = True
        if self.lost:
            self.lost, self.failed, self.cut = False, True, None
            return
        for at, values in self.history.items():
            if at[0] != 'slot':
                self.history[at] = values[-1:]
        self.cut['state'] = 'forced'

    def write_slot(self):
        if self.cut and self.cut['state'] == 'forced':
            at = ('slot', 1 - self.durable_slot)
            self.store(at, 'torn')
            self.store(at, (self.cut['epoch'], self.cut['words'], self.cut['values']))
            self.cut['state'] = 'slot'

    def force_slot(self):
        if self.cut and self.cut['state'] == 'slot':
            self.durable_slot = 1 - self.durable_slot
            at = ('slot', self.durable_slot)
            self.history[at] = self.history[at][-1:]
            self.durable = self.cut['epoch']
            self.attempt = self.failed = False
            self.cut = None

    def lose(self, rng):
        """A write-back fails. Some pages are clean now, and the disk has any older image."""
        self.lost = True
        for region in range(REGIONS):
            for granule in range(GRANULES):
                if rng.random() < .7:
                    for at in (('word', region, 2 * granule), ('word', region, 2 * granule + 1)):
                        if len(self.history[at]) > 1:
                            self.clean.add(at)

    def drop(self, rng):
        """The kernel drops some of those pages. Mostly, whole older records appear."""
        for at in sorted(self.clean):
            if at in self.clean and rng.random() < .5:
                value = rng.choice(self.history[at])
                self.restore(at, value)
                if value is not None and value[1] == 0:
                    for j in range(1, self.length(value)):
                        other = (at[0], at[1], at[2] + j)
                        if other in self.clean and (value[0], j) in self.history[other]:
                            self.restore(other, (value[0], j))

    def restore(self, at, value):
        if value != self.load(at):
            self.dropped = True
            self.count('words dropped')
        self.history[at] = [value]
        self.clean.discard(at)

    def heal(self):
        """Everything is stored again. Then checksums and counts must be right."""
        self.count('healings')
        self.clean = set()
        self.verify('healing')
        self.dropped = False

    def verify(self, who):
        for t in range(STRIPES):
            for region, number in self.chain(t):
                for image in self.records(region, number, self.end(t, region)):
                    if image.kind != TOMBSTONE and self.points(image):
                        slot = self.slot(image.key)
                        if self.rules['heal_count'] and slot != (image.place, 2 * image.count):
                            if self.dropped:
                                raise Damage()
                            raise Broken(f'{who}: {image} does not agree with {slot}')

    def reopen(self):
        """The store is opened after all processes were killed. The shared memory is there."""
        self.count('reopenings')
        for t in range(STRIPES):
            self.kill(t)
        self.forget_processes()
        self.cut = None
        if any(words['tail'] is None for words in self.words):
            return
        for first in (True, False):
            if first == self.rules['repair_first']:
                for t in range(STRIPES):
                    self.hold_quietly(t)
            else:
                self.verify('unclean open')

    # ---- What must hold

    def quiet(self, t):
        """After an operation, every entry must read as the history says, also after a recovery."""
        if self.dropped:
            return
        live = 0
        for key in KEYS[t]:
            slot, value = self.slot(key), self.values.get(key)
            if slot is None:
                if value is not None:
                    raise Broken(f'{key} is lost: the history says {value}')
                continue
            image = self.read(slot[0])
            if not self.lies(image, slot[0]) or self.owner[slot[0][0]][::2] != (t, False):
                raise Broken(f'{key}: no record at {slot}: {image}')
            if image.key != key or image.value != value:
                raise Broken(f'{key}: the store says {image}, the history {value}')
            if self.rules['counted'] and slot[1] != 2 * image.count:
                raise Broken(f'{key}: its slot word {slot} does not agree with {image}')
            live += image.size
        owned = {(r, n) for r, (s, n, dead) in enumerate(self.owner) if s == t and not dead}
        if owned != set(self.chain(t)):
            raise Broken(f'stripe {t} owns {owned}, its chain is {self.chain(t)}')
        found = self.replay(t, f'a cut of stripe {t} now')
        values = {key: image.value for key, image in found.items()}
        if values != self.stripe_values(t):
            raise Broken(f'a cut of stripe {t} now gives {values}, not {self.stripe_values(t)}')
        if live != self.words[t]['live']:
            raise Broken(f'stripe {t} counts {self.words[t]["live"]} granules, and has {live}')

    def replay(self, t, what):
        """Replays records by position. A greater version wins, and equal versions are copies."""
        newest, version = {}, self.words[t]['version']
        for region, number in self.chain(t):
            for image in self.records(region, number, self.end(t, region)):
                if STRIPE[image.key] != t or image.version > version:
                    raise Broken(f'{what}: foreign or too new: {image}')
                if image.key not in newest or newest[image.key].version <= image.version:
                    newest[image.key] = image
        return {key: image for key, image in newest.items() if image.kind != TOMBSTONE}

    def power_loss(self, rng):
        """The power fails. The disk has any value that each word had since it was last forced."""
        self.count('power losses')
        for at, values in self.history.items():
            luck = rng.random()
            value = values[0] if luck < .35 else values[-1] if luck < .7 else rng.choice(values)
            self.history[at] = [value]
        self.clean, self.lost, self.dropped = set(), False, False
        durable = self.durable
        slots = [(self.load(('slot', i))[0], i) for i in (0, 1)
                 if isinstance(self.load(('slot', i)), tuple)]
        if not slots or max(slots)[0] < durable:
            raise Broken(f'checkpoint {durable} was durable, there is {slots}')
        epoch, slot = max(slots)
        _, cut, values = self.load(('slot', slot))
        self.born()
        self.durable, self.durable_slot, self.epoch = epoch, slot, epoch + 1
        for t in range(STRIPES):
            words = self.words[t]
            words.update(cut.get(t, {}))
            if self.rules['recovery_version']:
                words['cut_version'] = words['version']
            for region, number in self.chain(t):
                self.owner[region] = (t, number, False)
            if self.rules['recovery_zeroes'] and words['tail']:
                region, end = words['tail']
                for w in range(2 * end, 2 * GRANULES):
                    self.history[('word', region, w)] = [None]
            for key, image in self.replay(t, f'checkpoint {epoch}').items():
                count = 2 * image.count if self.rules['recovery_counts'] else 0
                self.tables[words['table'][0]][key] = (image.place, count)
                words['live'] += image.size
        found = {key: self.read(self.slot(key)[0]).value
                 for t in range(STRIPES) for key in KEYS[t] if self.slot(key)}
        if found != values:
            raise Broken(f'checkpoint {epoch} was recovered as {found}, it was {values}')
        self.values = dict(values)

    # ---- Histories

    def operation(self, name, *arguments):
        if name in ('put', 'remove', 'window', 'grow'):
            *arguments, steps = arguments
            t = arguments.pop(0) if name in ('window', 'grow') else STRIPE[arguments[0]]
            self.finish(t)
            self.holder[t] = self.hold(t, name, *arguments)
            self.step(t, steps)
        elif name == 'step':
            self.step(*arguments)
        elif name in ('kill', 'fail'):
            getattr(self, name)(*arguments)
        elif name == 'repair':      # whoever repairs is killed after some steps
            t, steps = arguments
            if self.holder[t] is None:
                self.holder[t] = self.take(t)
                self.step(t, steps)
                self.kill(t)
        elif name in ('read', 'hit'):
            self.call(name, *arguments)
        elif name == 'feed':
            self.feed(*arguments)
        elif name == 'cut':
            self.begin_cut(*arguments)
        elif name == 'lose':
            self.lose(random.Random(*arguments))
        elif name == 'drop':
            self.drop(random.Random(*arguments))
        elif name == 'power':
            self.power_loss(random.Random(*arguments))
        else:
            getattr(self, name)()   # force, write_slot, force_slot, reopen
        for _, key, current in self.readers.values():
            current.add(self.values.get(key))


CHECKPOINT = [('cut', False), ('force',), ('write_slot',), ('force_slot',)]


class Histories:
    """Makes random histories. Each has weights of its own, so that rare shapes occur."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.value = 0

    def put(self, key, steps):
        self.value += 1
        usual = 1 + (key in 'bdxz')
        size = self.rng.choice([usual] * 5 + [3 - usual])
        kind = self.rng.choice([PUT] * 12 + [LONG])
        return ('put', key, kind, size, self.value, steps)

    def seed(self):
        return self.rng.randrange(1 << 30)

    def race(self, key):
        """One overwrite and its readers, step by step."""
        rng, t = self.rng, STRIPE[key]
        history = [self.put(key, rng.randrange(9))]
        for _ in range(rng.randrange(6, 24)):
            history.append(rng.choice([('read', key), ('read', key), ('step', t, 1),
                                       ('hit', key)]))
        if rng.random() < .3:
            history += [('kill', t), ('repair', t, rng.randrange(9))] + [('read', key)] * 9
        return history

    def loss(self, key):
        """A write-back fails while records are overwritten, and pages are dropped."""
        rng, t = self.rng, STRIPE[key]
        history = [('cut', False)] if rng.random() < .5 else []
        for _ in range(rng.randrange(1, 4)):
            history.append(self.put(key, 99))
        if rng.random() < .5:
            history += [self.put(key, rng.randrange(2, 12)), ('kill', t)]
        if rng.random() < .5:
            history.append(self.put(key, rng.randrange(4, 16)))
        history += [('lose', self.seed()), ('drop', self.seed())]
        history += [('window', t, 3, 99)] if rng.random() < .3 else []
        history += [('read', key)] * 9
        history.append(rng.choice([('cut', False), ('force',), ('reopen',)]))
        return history

    # Random histories hardly ever hit these. In each, the kernel drops what some write-back did not
    # write, and an older image, whose checksum is right, is back.

    def older_stage(self):
        """a is overwritten twice. Its first staged image is back while the second is read."""
        return ([('put', 'a', PUT, 1, value, 99) for value in (1, 2)]
                + [('put', 'a', PUT, 1, 3, 7), ('lose', self.seed()), ('drop', self.seed())]
                + [('read', 'a')] * 7)

    def uncommitted_stage(self):
        """An uncommitted staged image is back while one with the same count is read."""
        end = self.rng.choice(['kill', 'fail'])
        return ([('put', 'a', PUT, 1, 1, 99), ('put', 'a', PUT, 1, 3, 3), (end, 0)]
                + [('put', 'a', PUT, 1, 4, 8), ('lose', self.seed()), ('drop', self.seed())]
                + [('read', 'a')] * 7)

    def older_original(self):
        """What a was before it was overwritten is back, and the cleaner copies it."""
        return ([('put', 'a', PUT, 1, value, 99) for value in (1, 2)]
                + [('lose', self.seed()), ('drop', self.seed())]
                + [('put', key, PUT, 2, 5, 99) for key in 'bcde'] + [('window', 0, 3, 99)]
                + [('read', 'a')] * 7)

    def rolled_back(self):
        """What a power loss rolled back stood where a is put next."""
        return ([('put', 'b', PUT, 2, 1, 99), ('put', 'w', PUT, 1, 1, 99), *CHECKPOINT]
                + [('put', 'a', PUT, 1, 3, 99), ('power', self.seed())]
                + [('put', 'a', PUT, 1, 4, 99), ('lose', self.seed()), ('drop', self.seed())]
                + [('read', 'a')] * 7)

    def any_history(self):
        rng, length = self.rng, 50
        weights = dict(put=9, remove=1, window=4, grow=.5, step=2, kill=1.2, repair=.8, read=3,
                       hit=1, feed=.7, power=.3, loss=.2, abandon=.2, reopen=.4, checkpoint=.8,
                       part=1.5, race=.7, fill=.4, fail=.3)
        for kind in weights:
            if kind != 'put':
                weights[kind] *= rng.choice([0, .3, 1, 1, 3, 8])
        hot, favourites = rng.random(), [rng.choice(KEYS[t]) for t in range(STRIPES)]
        slow, history = rng.random() < .4, []
        for name in rng.choices(list(weights), list(weights.values()), k=length):
            key = rng.choice(favourites if rng.random() < hot else list(STRIPE))
            t = STRIPE[key]
            steps = rng.randrange(24) if slow or rng.random() < .3 else 99
            history += {
                'put': lambda: [self.put(key, steps)],
                'remove': lambda: [('remove', key, steps)],
                'window': lambda: [('window', t, rng.randrange(1, 4), steps)],
                'fill': lambda: ([self.put(k, 99) for k in KEYS[t]]
                                 + [('window', t, rng.randrange(1, 4), steps)]),
                'grow': lambda: [('grow', t, steps)],
                'step': lambda: [('step', t, rng.choice([1, 1, 1, 2, 3]))],
                'kill': lambda: [('kill', t)],
                'fail': lambda: [('fail', t)],
                'repair': lambda: [('kill', t), ('repair', t, rng.randrange(1, 12))],
                'read': lambda: [('read', key)] * rng.choice([1, 1, 2, 5]),
                'hit': lambda: [('hit', key)] * rng.choice([1, 2]),
                'feed': lambda: [('feed', t)] * rng.choice([1, 2]),
                'power': lambda: [('power', self.seed())],
                'loss': lambda: self.loss(key),
                'abandon': lambda: [('cut', True)],
                'reopen': lambda: [('reopen',)],
                'checkpoint': lambda: CHECKPOINT,
                'part': lambda: [rng.choice(CHECKPOINT)],
                'race': lambda: self.race(key),
            }[name]()
        return history + [('power', self.seed())]


def run(rules, history, stats=None):
    """Returns how far a history came and what it broke, or None."""
    store, broken = Store(rules), None
    for n, operation in enumerate(history):
        try:
            store.operation(*operation)
        except Broken as e:
            broken = (n + 1, str(e))
            break
        except Damage:
            store.count('damages told')
            break
    if stats is not None:
        for name, count in store.stats.items():
            stats[name] = stats.get(name, 0) + count
    return broken


def shrink(rules, history):
    """Leaves out one operation after the other, as long as the history breaks something."""
    history = history[:run(rules, history)[0]]
    n = len(history) - 1
    while n >= 0:
        shorter = history[:n] + history[n + 1:]
        broken = run(rules, shorter)
        if broken:
            history = shorter[:broken[0]]
            n = min(n, len(history))
        n -= 1
    return history, run(rules, history)[1]


def hunt(name, changes, histories, seed=1, enough=None, kind='any_history'):
    """Runs histories of a kind. Ends after enough violations, and prints the shortest."""
    rules, source = dict(RULES, **changes), Histories(seed)
    stats, broken, shortest, began = {}, 0, None, time.time()
    n = 0
    while n < histories and (enough is None or broken < enough):
        n += 1
        history = getattr(source, kind)()
        if run(rules, history, stats):
            broken += 1
            if broken <= 5:
                found = shrink(rules, history)
                if shortest is None or len(found[0]) < len(shortest[0]):
                    shortest = found
    print(f'{name}: {broken} of {n} histories violate ({time.time() - began:.0f} s)')
    if enough is None:
        print('   ', ', '.join(f'{count} {name}' for name, count in sorted(stats.items())))
    if shortest:
        for operation in shortest[0]:
            print('   ', *operation)
        print('    =>', shortest[1])
    sys.stdout.flush()


CANARIES = dict(
    never=('there is no CUT_VERSION: any record is overwritten', dict(cut_version='never')),
    late=('CUT_VERSION is raised behind the cut', dict(cut_version='late')),
    cutrepair=('a cut does not repair a dead writer first', dict(cut_repairs=False)),
    recversion=('CUT_VERSION is 0 after a recovery', dict(recovery_version=False)),
    reccount=('a recovery starts counts at 0', dict(recovery_counts=False)),
    size=('a record of another size is overwritten', dict(same_size=False)),
    stage=('nothing is staged', dict(staged=False)),
    odd=('the slot word is not odd meanwhile', dict(odd=False)),
    count=('an overwrite does not change the slot word',
           dict(counted=False, reader_count='no', heal_count=False, copy_count=False)),
    wrap=('the count starts anew', dict(wraps=True)),
    confirm=('a reader does not load the slot word again', dict(confirm_slot=False)),
    readcount=('a reader does not compare counts', dict(reader_count='no')),
    oddcount=('a reader compares counts at even slot words only', dict(reader_count='even'),
              'older_stage'),
    healcount=('healing compares checksums only', dict(heal_count=False)),
    copycount=('copies are made of what has a checksum', dict(copy_count=False), 'older_original'),
    mask=('the cleaner compares whole slot words', dict(mask_moves=False)),
    growdrop=('a growing table drops the counts', dict(growth='drop')),
    growresume=('the table of a dead grower is filled on', dict(growth='resume')),
    whole=('a redo of IN_PLACE goes on with all companions', dict(redo='whole')),
    short=('an IN_PLACE is redone as a short write', dict(redo='short')),
    behind=('a redo begins behind X5', dict(redo='behind X5')),
    shortwhole=('a redo of SHORT takes all companions', dict(short_redo='whole')),
    givenup=('no tail is given up (U1)', dict(give_up=False)),
    stagegiven=('an image is staged behind a tail that was given up', dict(stage_given_up=True),
                'uncommitted_stage'),
    stagenoted=('a live writer that fails forgets that it staged something',
                dict(stage_noted=False), 'uncommitted_stage'),
    zeroes=('a recovery leaves what is behind its tails', dict(recovery_zeroes=False),
            'rolled_back'),
    verify=('an unclean open verifies before it repairs', dict(repair_first=False)),
    feed=('a feed does not look at IN_PLACE_VERSION', dict(feed_looks=False)),
)

if __name__ == '__main__':
    mode = sys.argv[1] if len(sys.argv) > 1 else 'closed'
    if mode == 'closed':
        amount = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
        first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
        hunt(f'in place, seed {first}', {}, amount, first)
        for directed in ('older_stage', 'uncommitted_stage', 'older_original', 'rolled_back'):
            hunt(f'in place, {directed}', {}, amount // 10, first, kind=directed)
        hunt('append only', dict(in_place=False), amount // 10, first)
    else:
        for canary, (text, *changes) in CANARIES.items():
            if len(sys.argv) < 3 or sys.argv[2] == canary:
                rules, kind = changes if len(changes) > 1 else (*changes, 'any_history')
                hunt(f'CANARY {canary}: {text}', rules, 20000, enough=3, kind=kind)
