#!/usr/bin/env python3
"""A change feed that starts while records are overwritten in place: all interleavings.

A log has a record of key a and one of key b. A writer changes them one after the other. A capital
letter means that the change is appended. A small letter means that it overwrites in place, unless
a feed was registered when the writer looked. A feed finds its start, lets forEach tell the state,
and then follows the log, load by load.

If a record is overwritten before the feed's position, the feed is never told of it from there. So
a writer stores IN_PLACE_VERSION before a byte changes (X3a). After the feed copied a window, it
looks at that word. If the word is greater than the last version that was told, the feed is Lagged
and starts again. That alone is correct. Registration makes it rare.

A replica that is up to date must be the store's state. No half record may be called damage.

Usage: feed.py
"""
from collections import namedtuple

Record = namedtuple('Record', 'key version')
# The two words of each record are kept in two lists, by position. The state of the store consists
# of what lookups give for a and b, as versions, and of where their records lie.
Memory = namedtuple('Memory', 'registered tail version in_place first second values places')
Writer = namedtuple('Writer', 'change step way')
# The feed knows its next step, its position, the last version that it told, and its replica. Of
# the window that it copies it knows the end, the next record, one word of that record, and what it
# will tell.
Feed = namedtuple('Feed', 'step position last replica end at word news seen starts')

RULES = dict(
    looks=True,         # the feed looks at IN_PLACE_VERSION
    look_late=True,     # it looks after it copied the window
    store_early=True,   # the writer stores IN_PLACE_VERSION before X4
)


def put(values, n, value):
    return values[:n] + (value,) + values[n + 1:]


def write(rules, memory, writer, changes):
    """Does the writer's next step."""
    letter = changes[writer.change]
    key = letter.lower()
    n, version = 'ab'.index(key), memory.version + 1
    record, place = Record(key, version), memory.places['ab'.index(key)]
    step = writer.step
    if step == 'look':
        way = 'append' if memory.registered or letter != key else 'in place'
        steps = {'append': ('record', 'swing', 'VERSION', 'tail'),
                 'in place': ('X3a', 'X4', 'X5', 'X5 too', 'X7') if rules['store_early'] else
                             ('X4', 'X5', 'X5 too', 'X3a', 'X7')}[way]
        return memory, Writer(writer.change, steps[0], steps)
    if step == 'X3a':
        memory = memory._replace(in_place=version)
    elif step == 'X4':
        memory = memory._replace(values=put(memory.values, n, version))
    elif step == 'X5':
        memory = memory._replace(first=put(memory.first, place, record))
    elif step == 'X5 too':
        memory = memory._replace(second=put(memory.second, place, record))
    elif step == 'record':
        memory = memory._replace(first=put(memory.first, memory.tail, record),
                                 second=put(memory.second, memory.tail, record))
    elif step == 'swing':
        memory = memory._replace(values=put(memory.values, n, version),
                                 places=put(memory.places, n, memory.tail))
    elif step in ('VERSION', 'X7'):
        memory = memory._replace(version=version)
    elif step == 'tail':
        memory = memory._replace(tail=memory.tail + 1)
    following = writer.way[writer.way.index(step) + 1:]
    if following:
        return memory, writer._replace(step=following[0])
    return memory, Writer(writer.change + 1, 'look', None)


def start_again(feed):
    """Lets the feed start again as Lagged. After a few times the model has seen enough."""
    if feed.starts == 0:
        return None
    return Feed('start', 0, 0, None, 0, 0, None, (), 0, feed.starts - 1)


def follow(rules, memory, feed):
    """Does the feed's next step. Returns the feed after it, or None if it goes no further, and a
    text if it reports damage."""
    step = feed.step
    overwritten = rules['looks'] and memory.in_place > feed.last
    if step == 'register':
        return feed._replace(step='start'), None
    if step == 'start':
        return feed._replace(step='start version', position=memory.tail), None
    if step == 'start version':
        return feed._replace(step='forEach a', last=memory.version), None
    if step == 'forEach a':
        return feed._replace(step='forEach b', replica=(memory.values[0],)), None
    if step == 'forEach b':
        return feed._replace(step='tail', replica=feed.replica + (memory.values[1],)), None
    if step == 'tail':                                                          # F1
        return feed._replace(step='version', end=memory.tail, at=feed.position, news=(),
                             seen=memory.in_place), None
    if step == 'version':
        news = memory.version != feed.last
        return feed._replace(step='copy' if news else 'up to date'), None
    if step == 'copy':                                                          # F3
        if feed.at < feed.end:
            return feed._replace(step='copy too', word=memory.first[feed.at]), None
        return feed._replace(step='tell'), None
    if step == 'copy too':
        if feed.word != memory.second[feed.at]:
            return feed._replace(step='damage'), None
        newest = max([feed.last] + [record.version for record in feed.news])
        news = feed.news + ((feed.word,) if feed.word.version > newest else ())
        return feed._replace(step='copy', at=feed.at + 1, word=None, news=news), None
    if step == 'damage':
        if overwritten:
            return start_again(feed), None
        return feed, f'the record at {feed.at} is called damaged'
    if step == 'tell':
        if not rules['look_late']:
            overwritten = rules['looks'] and feed.seen > feed.last
        if overwritten:
            return start_again(feed), None
        replica, last = feed.replica, feed.last
        for record in feed.news:
            replica = put(replica, 'ab'.index(record.key), record.version)
            last = record.version
        return Feed('tail', feed.end, last, replica, 0, 0, None, (), 0, feed.starts), None
    raise ValueError(step)


def explore(name, changes, rules=None, registers=True):
    rules = dict(RULES, **(rules or {}))
    room = (None,) * len(changes)
    records = (Record('a', 1), Record('b', 2)) + room
    memory = Memory(False, 2, 2, 0, records, records, (1, 2), (0, 1))
    feed = Feed('register' if registers else 'start', 0, 0, None, 0, 0, None, (), 0, 2)
    begin = (memory, Writer(0, 'look', None), feed)
    came_from, stack, lagged, visited = {begin: None}, [begin], 0, 0
    while stack:
        state = stack.pop()
        visited += 1
        memory, writer, feed = state
        following, wrong = [], None
        if writer.change < len(changes):
            after = write(rules, memory, writer, changes)
            following.append((after + (feed,), f'writer: {changes[writer.change]} {writer.step}'))
        if feed.step == 'up to date':
            done = writer.change == len(changes)
            if done and feed.last == memory.version and feed.replica != memory.values:
                wrong = f'the replica has versions {feed.replica}, the store {memory.values}'
            if memory.version != feed.last:
                following.append(((memory, writer, feed._replace(step='tail')), 'feed: wakes'))
        else:
            after, wrong = follow(rules, memory, feed)
            lagged += after is None or after.starts < feed.starts
            if after is not None:
                known = memory.registered or feed.step == 'register'
                following.append(((memory._replace(registered=known), writer, after),
                                  f'feed: {feed.step}'))
        if wrong:
            print(f'{name}: VIOLATION after {visited} states: {wrong}')
            steps = []
            while came_from[state]:
                state, label = came_from[state]
                steps.append(label)
            print('   ', '; '.join(reversed(steps)))
            return
        for after, label in following:
            if after not in came_from:
                came_from[after] = (state, label)
                stack.append(after)
    print(f'{name}: ok, all {visited} states, {lagged} times Lagged')


if __name__ == '__main__':
    for letters in ('aba', 'abab', 'Aab', 'AaBa', 'aAbB'):
        explore(f'{letters}, registered', letters)
        explore(f'{letters}, not registered', letters, registers=False)
    explore('CANARY registration alone', 'abA', dict(looks=False))
    explore('CANARY IN_PLACE_VERSION is stored behind the bytes', 'AaBa',
            dict(store_early=False), registers=False)
    explore('CANARY IN_PLACE_VERSION is loaded before the window', 'AaBa',
            dict(look_late=False), registers=False)
