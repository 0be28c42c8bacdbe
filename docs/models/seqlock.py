#!/usr/bin/env python3
"""Readers without a lock while records are overwritten in place: all interleavings.

There is one key K in one stripe. The holder of the stripe overwrites K in place (X1 to X8, see
inplace.py), appends it, moves it as the cleaner does, lets its former region die and be used again,
or lets the table grow. Readers read K, and then hit it in their near cache. Or verify() looks at
the record of K.

Stores are weakly ordered. A store may become visible before an earlier one, unless it is a release,
goes to the same word, or follows a fence. A kill takes with it what is not visible yet. Whoever
comes next repairs, and overwrites again. Loads are in order, except those of the words of a record.

A record is two words, each with the image {key, version, place, count}. P is the place where K is
at first; T and Q are the places where the tail may be. There are two areas for tables. NOW is no
word of the store, but the version that the current slot word names.

Usage: seqlock.py [closed | kills | readers | verify | canaries [part of a name]]
"""
import sys
import time
from collections import namedtuple

WORDS = ('table', 'slot0', 'slot1', 'P0', 'P1', 'T0', 'T1', 'Q0', 'Q1',
         'companions', 'intent', 'tail', 'version', 'NOW')
AT = {word: n for n, word in enumerate(WORDS)}
RELEASE, PLAIN, FENCE = 'release', 'plain', 'fence'
IN_PLACE, OF_OTHER, APPEND, MOVE = 'in place', 'of another key', 'append', 'move'
NOTHING = ('-', 0, '-', 0)

Image = namedtuple('Image', 'key version place count')
Store = namedtuple('Store', 'word value kind now')

RULES = dict(
    odd=True,               # X4
    counted=True,           # an overwrite raises the count
    wraps=False,            # the count starts anew when it is used up
    commit_first=True,      # X3 comes before X4
    fence_odd=True,         # there is a fence after X4
    fence_even=True,        # there is a fence after X6
    version_first=True,     # X7 comes before X8
    clear_late=True,        # INTENT := 0 comes after X6
    growth='carry',         # or 'drop' the counts, or swing 'first' and fill afterwards
    confirm_slot=True,      # a reader loads the slot word again
    confirm_table=True,     # a reader loads the table word again
    slot_first=True,        # it loads the slot word again before the table word
    both_if_odd=True,       # at an odd slot word, both words tell of another key
    late_witness=False,     # a near cache takes a slot word that was loaded after the record
    compare_count=True,     # a reader compares the record's count with the slot word's
    intent_first=True,      # verify() loads INTENT, then VERSION
)


class Holder:
    """Makes the list of the stores of the lock's holder, from what memory has when it begins."""

    def __init__(self, rules, memory):
        self.rules = rules
        self.view = dict(zip(WORDS, memory))
        self.stores = []

    def store(self, word, value, kind=RELEASE, now=None):
        self.view[word] = value
        if now is not None:
            self.view['NOW'] = now
        self.stores.append(Store(word, value, kind, now))

    def fence(self):
        self.stores.append(Store(None, None, FENCE, None))

    def record(self, place, image):
        self.store(place + '0', image, PLAIN)
        self.store(place + '1', image, PLAIN)

    def slot(self):
        return self.view[f'slot{self.view["table"][0]}']

    def set_slot(self, value, version):
        self.store(f'slot{self.view["table"][0]}', value, now=version)

    def overwrite(self, version):
        place, count = self.slot()
        after = count
        if self.rules['counted']:
            after = (count + 2) % 4 if self.rules['wraps'] else count + 2
        staging, image = self.view['tail'], Image('K', version, place, after // 2)
        self.record(staging, image)                                     # X1
        self.store('companions', (place, after, staging, version))      # X2
        if self.rules['commit_first']:
            self.store('intent', IN_PLACE)                              # X3
        self.stage(staging, after, version)
        if not self.rules['commit_first']:
            self.store('intent', IN_PLACE)
        self.finish(place, after, version, (image, image))

    def stage(self, staging, after, version):
        if not self.rules['clear_late']:
            self.store('intent', 0)
        if self.rules['odd']:
            self.set_slot((staging, after - 1), version)                # X4
        if self.rules['fence_odd']:
            self.fence()

    def finish(self, place, after, version, staged):
        self.store(place + '0', staged[0], PLAIN)                       # X5
        self.store(place + '1', staged[1], PLAIN)
        self.set_slot((place, after), version)                          # X6
        if self.rules['fence_even']:
            self.fence()
        if self.rules['version_first']:
            self.store('version', version)                              # X7
        self.store('intent', 0)                                         # X8
        if not self.rules['version_first']:
            self.store('version', version)

    def overwrite_other(self, version):
        """Overwrites another key of the stripe. It has the same staging place, but a slot and a
        place of its own."""
        self.record(self.view['tail'], Image('J', version, 'J', 1))
        self.store('companions', ('J', 2, self.view['tail'], version))
        self.store('intent', OF_OTHER)
        self.store('intent', 0)

    def append(self, version):
        place = self.view['tail']
        self.record(place, Image('K', version, place, 0))
        self.store('companions', ('-', 0, place, version))
        self.store('intent', APPEND)
        self.finish_append(place, version)

    def move(self):
        """Copies as the cleaner does: the version stays, and the count is 0."""
        place, version = self.view['tail'], self.view['NOW']
        self.record(place, Image('K', version, place, 0))
        self.store('companions', (self.slot()[0], 0, place, version))
        self.store('intent', MOVE)
        self.finish_append(place, version)

    def finish_append(self, place, version):
        self.set_slot((place, 0), version)
        self.store('tail', 'Q' if place == 'T' else 'T')
        self.fence()
        self.store('intent', 0)

    def die(self):
        """The region of P dies, is used by others, and comes back as the tail's region."""
        area, generation = self.view['table']
        self.store('table', (area, generation + 1))
        self.fence()
        self.record('P', Image('foreign', 0, 'P', 0))
        self.store('tail', 'P')

    def grow(self):
        """Fills the other area with zeros and then with the entry and its count. Then it stores
        the table word."""
        area, generation = self.view['table']
        place, count = self.slot()
        word, after = f'slot{1 - area}', (1 - area, generation + 1)
        self.store(word, None)
        if self.rules['growth'] == 'first':
            self.store('table', after)
        self.store(word, (place, 0 if self.rules['growth'] == 'drop' else count))
        if self.rules['growth'] != 'first':
            self.store('table', after)

    def repair(self):
        place, after, staging, version = self.view['companions']
        intent = self.view['intent']
        if intent == IN_PLACE and self.slot() == (place, after):
            self.store('version', version)
            self.store('intent', 0)
        elif intent == IN_PLACE:
            staged = (self.view[staging + '0'], self.view[staging + '1'])
            self.stage(staging, after, version)
            self.finish(place, after, version, staged)
        elif intent == APPEND:
            self.finish_append(staging, version)
        elif intent == MOVE and self.slot()[0] == place:    # the count says nothing
            self.finish_append(staging, version)
        elif intent:
            if intent == MOVE:
                self.store('tail', 'Q' if staging == 'T' else 'T')
            self.store('intent', 0)

    def go_on(self, kills, operations):
        """Goes on after a kill: with a repair, the same kinds of work, and an overwrite."""
        self.repair()
        if ('grow',) in operations:
            self.grow()
        else:
            self.overwrite_other(90)
        if self.slot()[1] % 2 == 0:
            self.overwrite(80 - kills)


def visible_next(stores):
    """Which of a holder's stores may become visible next."""
    earlier = set()
    for n, store in enumerate(stores):
        if store.kind == FENCE:
            if n == 0:
                yield n
            return
        if n == 0 or store.kind == PLAIN and store.word not in earlier:
            yield n
        earlier.add(store.word)


# A reader has its next step, what it loaded, the least version that it may return, what it found
# in its near cache, and whether it may look again.
Reader = namedtuple('Reader', 'step table slot first second same floor cached again')
CALL = Reader('call', None, None, None, None, None, None, None, True)


def read(rules, reader, memory):
    """Yields, for each possible next step, the reader after it and what the call returns, if it
    does."""
    table = memory[AT['table']]

    def slot(of):
        return memory[AT[f'slot{of[0]}']]

    def word(j):
        return memory[AT[reader.slot[0] + j]]

    step = reader.step
    if step == 'call':
        first = 'hit slot' if reader.cached else 'table'
        yield CALL._replace(step=first, floor=memory[AT['NOW']], cached=reader.cached,
                            again=reader.again), None
    elif step == 'hit slot':
        if rules['slot_first']:
            same = slot(reader.cached[0]) == reader.cached[1]
        else:
            same = table == reader.cached[0]
        yield reader._replace(step='hit table', same=same), None
    elif step == 'hit table':
        if rules['slot_first']:
            same = table == reader.cached[0]
        else:
            same = slot(reader.cached[0]) == reader.cached[1]
        if reader.same and same:
            yield reader._replace(step='end'), reader.cached[2]
        else:
            yield reader._replace(step='table', cached=None), None
    elif step == 'table':
        yield reader._replace(step='slot', table=table), None
    elif step == 'slot':
        found = slot(reader.table)
        yield reader._replace(step='words' if found else 'confirm', slot=found), None
    elif step == 'words':
        yield reader._replace(step='second', first=word('0')), None
        yield reader._replace(step='first', second=word('1')), None
    elif step == 'second':
        yield reader._replace(step='confirm', second=word('1')), None
    elif step == 'first':
        yield reader._replace(step='confirm', first=word('0')), None
    elif step == 'confirm':
        now = slot(reader.table)
        if rules['late_witness']:
            yield reader._replace(step='table again', slot=now, same=True), None
        elif rules['slot_first']:
            same = now == reader.slot or not rules['confirm_slot']
            yield reader._replace(step='table again', same=same), None
        else:
            yield reader._replace(step='table again', same=table == reader.table), None
    elif step == 'table again':
        same = table == reader.table or not rules['confirm_table']
        if not rules['slot_first']:
            same = slot(reader.table) == reader.slot
        other_key = reader.first not in (None, NOTHING) and reader.first.key != 'K'
        if same and (reader.same or other_key and not rules['both_if_odd']):
            result = value(rules, reader)
            if isinstance(result, int) and reader.again and not reader.cached:
                witness = (reader.table, reader.slot, result)
                yield CALL._replace(cached=witness, again=True), result
            else:
                yield reader._replace(step='end'), result
        elif reader.again:
            yield CALL._replace(step='table', floor=reader.floor, again=False), None
        else:
            yield reader._replace(step='end'), None


def value(rules, reader):
    """Returns the version that was read, or a text that says why there is no record."""
    if reader.slot is None:
        return 'no entry'
    place, count = reader.slot
    image = reader.first
    if image == NOTHING or image.key != 'K' or count % 2 == 0 and image.place != place:
        return f'foreign bytes: {image}'
    if image != reader.second and rules['late_witness']:
        return None     # the checksum tells
    if image != reader.second:
        return f'a torn record: {image}, {reader.second}'
    if rules['compare_count'] and image.count != (count + 1) // 2:
        return f'an image that was overwritten {image.count} times, by slot word {reader.slot}'
    return image.version


Verifier = namedtuple('Verifier', 'step table version first second same')


def verify(rules, verifier, memory):
    """Plays verify() without the lock, at the record in P. It gives a text if it sees damage."""
    def load(word):
        return memory[AT[word]]

    def excused():
        return load('intent') == IN_PLACE and load('companions')[0] == 'P'

    step = verifier.step
    if step == 'begin':
        yield verifier._replace(step='first', table=load('table'), version=load('version')), None
    elif step == 'first':
        yield verifier._replace(step='second', first=load('P0')), None
    elif step == 'second':
        yield verifier._replace(step='look', second=load('P1')), None
    elif step == 'look':
        if rules['intent_first']:
            same = not excused()
        else:
            same = load('version') == verifier.version
        yield verifier._replace(step='look again', same=same), None
    elif step == 'look again':
        if rules['intent_first']:
            same = load('version') == verifier.version
        else:
            same = not excused()
        same = same and verifier.same and load('table') == verifier.table
        torn = verifier.first != verifier.second
        result = 'calls a record damaged that is being overwritten' if torn and same else None
        yield verifier._replace(step='end'), result


def explore(name, operations, changes=None, readers=1, verifies=False, kills=1, count=0,
            seconds=100, show=True):
    """Visits every state that can be reached. Returns False if one of them breaks a promise."""
    rules, began = dict(RULES, **(changes or {})), time.time()
    image = Image('K', 1, 'P', count // 2)
    memory = dict(dict.fromkeys(WORDS, NOTHING), table=(0, 0), slot0=('P', count), slot1=None,
                  P0=image, P1=image, intent=0, tail='T', version=1, NOW=1)
    memory = tuple(memory[word] for word in WORDS)
    holder = Holder(rules, memory)
    for operation in operations:
        getattr(holder, operation[0])(*operation[1:])
    last = holder.view['NOW']
    actors = (Verifier('begin', *[None] * 5),) if verifies else (CALL,) * readers
    begin = (memory, tuple(holder.stores), kills, actors, False)
    came_from, stack = {begin: None}, [begin]
    visited = 0

    def tell(state, what):
        print(f'{name}: VIOLATION after {visited} states: {what}')
        steps = []
        while came_from[state]:
            state, label = came_from[state]
            steps.append(label)
        if show:
            for label in reversed(steps):
                print('   ', label)
        return False

    while stack:
        state = stack.pop()
        visited += 1
        if visited % 1000 == 0 and time.time() - began > seconds:
            print(f'{name}: not exhausted; ok so far, {visited} states')
            return True
        memory, stores, kills_left, actors, repaired = state

        def go(after, label):
            if after not in came_from:
                came_from[after] = (state, label)
                stack.append(after)

        if not stores and memory[AT['intent']] == 0:
            slot, now = memory[AT[f'slot{memory[AT["table"]][0]}']], memory[AT['NOW']]
            place, count = slot
            words = memory[AT[place + '0']], memory[AT[place + '1']]
            if words != (Image('K', now, place, count // 2),) * 2 or count % 2:
                return tell(state, f'at rest: {slot}, {words}, version {now}')
            if not repaired and now != last:
                return tell(state, f'version {last} was lost')
        for n in visible_next(stores):
            rest = stores[:n] + stores[n + 1:]
            if stores[n].kind == FENCE:
                go((memory, rest, kills_left, actors, repaired), 'holder: fence')
                continue
            after = list(memory)
            after[AT[stores[n].word]] = stores[n].value
            if stores[n].now is not None:
                after[AT['NOW']] = stores[n].now
            go((tuple(after), rest, kills_left, actors, repaired),
               f'holder: {stores[n].word} := {stores[n].value}')
        if stores and kills_left:
            holder = Holder(rules, memory)
            holder.go_on(kills_left, operations)
            go((memory, tuple(holder.stores), kills_left - 1, actors, True), 'KILL, next holder')
        for n, actor in enumerate(actors):
            run = verify if verifies else read
            for after, result in run(rules, actor, memory):
                states = actors[:n] + (after,) + actors[n + 1:]
                after = (memory, stores, kills_left, states, repaired)
                go(after, f'{run.__name__} {n}: {actor.step}')
                if result is None:
                    continue
                now = memory[AT['NOW']]
                if isinstance(result, str):
                    return tell(after, f'{run.__name__} {n}: {result}')
                if not actor.floor <= result <= now:
                    return tell(after, f'read {n}: version {result}; {actor.floor} was current '
                                       f'when the call began, {now} is now')
    print(f'{name}: ok, all {visited} states ({time.time() - began:.0f} s)')
    return True


TWICE = 'two in place'
OTHER = 'another key between, at the same staging place'
APPENDED = 'in place, appended, in place'
BACK = 'appended, its region dies and is used again, back in the same place'
MOVED = 'in place, moved by the cleaner, in place'
MOVED_BACK = 'moved, its region dies and is used again, back in the same place'
GROWN = 'in place, the table grows, in place'
GROWN_TWICE = 'the table grows, in place, it grows into the first area, in place'
# The operations of each scene, and the count of K's slot word at first.
SCENES = {
    TWICE: ([('overwrite', 2), ('overwrite', 3)], 0),
    OTHER: ([('overwrite', 2), ('overwrite_other', 9), ('overwrite', 3)], 0),
    APPENDED: ([('overwrite', 2), ('append', 3), ('overwrite', 4)], 0),
    BACK: ([('append', 2), ('die',), ('append', 3), ('overwrite', 4)], 2),
    MOVED: ([('overwrite', 2), ('move',), ('overwrite', 3)], 0),
    MOVED_BACK: ([('move',), ('die',), ('append', 3), ('overwrite', 4)], 2),
    GROWN: ([('overwrite', 2), ('grow',), ('overwrite', 3)], 0),
    GROWN_TWICE: ([('grow',), ('overwrite', 2), ('grow',), ('overwrite', 3)], 2),
}
# The scene of each canary, the changes of the rules, and the number of kills.
CANARIES = {
    'the slot word is not odd meanwhile': (TWICE, dict(odd=False), 1),
    'no fence behind the odd slot word': (TWICE, dict(fence_odd=False), 0),
    'no fence behind the even slot word': (OTHER, dict(fence_even=False), 0),
    'the odd slot word is not confirmed': (TWICE, dict(confirm_slot=False), 0),
    'the table word is not confirmed': (GROWN, dict(confirm_table=False), 0),
    'the table word is confirmed before the slot word': (BACK, dict(slot_first=False), 0),
    'another key at an odd slot word is told by the table word': (
        OTHER, dict(both_if_odd=False), 0),
    'an overwrite does not change the slot word': (TWICE, dict(counted=False), 0),
    'the count starts anew': (TWICE, dict(wraps=True), 0),
    'the intent stands behind the odd slot word': (TWICE, dict(commit_first=False), 1),
    'the intent is cleared before the slot word is even': (TWICE, dict(clear_late=False), 1),
    'a witness is taken behind the record': (
        TWICE, dict(late_witness=True, compare_count=False), 0),
    'the table grows without the counts': (GROWN, dict(growth='drop'), 0),
    'the table word is swung before the table is filled': (GROWN, dict(growth='first'), 0),
    'verify() looks at VERSION, then INTENT': (TWICE, dict(intent_first=False), 1),
    'VERSION is stored behind INTENT := 0, for verify()': (TWICE, dict(version_first=False), 1),
}

if __name__ == '__main__':
    mode = sys.argv[1] if len(sys.argv) > 1 else 'closed'
    if mode == 'closed':
        for scene, (operations, count) in SCENES.items():
            explore(scene, operations, count=count)
    elif mode == 'kills':
        for scene in (TWICE, MOVED, GROWN):
            explore('two kills: ' + scene, SCENES[scene][0], kills=2, seconds=200)
    elif mode == 'readers':
        explore('two readers: ' + TWICE, SCENES[TWICE][0], readers=2, kills=0, seconds=250)
    elif mode == 'verify':
        explore('verify(): ' + TWICE, SCENES[TWICE][0], verifies=True, kills=2)
    else:
        part = sys.argv[2] if len(sys.argv) > 2 else ''
        for canary, (scene, changes, kills) in CANARIES.items():
            if part in canary:
                explore(f'CANARY {canary} ({scene})', SCENES[scene][0], changes,
                        verifies='verify()' in canary, kills=kills, count=SCENES[scene][1])
