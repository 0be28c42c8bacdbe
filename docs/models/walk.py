#!/usr/bin/env python3
"""A feed that lost its way walks back from the tail while regions are used again: all interleavings.

A stripe has a chain of regions. Its writer appends: if the tail's region is full, it claims a free
one, first by the owner word (N3), then by the header (W2), and then the tail lies in it (W9). It
folds: the tail's region is copied into another one and dies. It evacuates: the oldest region dies.
Dead regions are free at once, so each is soon used again, by the same stripe.

A feed whose position is in no region of the chain walks (F5): it loads the tail and the number in
the owner word of the tail's region, and then reads headers from there back. Each header must have
the number that the owner word or the next header says. If it does not, and the owner word still has
that number afterwards (F4), the feed says that the store is damaged. Here no store is.

Between the two loads the tail's region may have died, and the writer may be claiming it again. So
the feed loads the tail once more.

Usage: walk.py
"""
from collections import namedtuple

REGIONS = 4
ROOM = 1  # records in a region

# The owner word of each region is a number, or minus the number of a life that is over, or 0 if it
# was never used. A header is (number, predecessor, number of the predecessor).
Memory = namedtuple('Memory', 'owners headers tail oldest numbers')
Writer = namedtuple('Writer', 'change step claimed')
Feed = namedtuple('Feed', 'step tail region number header')


def put(values, n, value):
    return values[:n] + (value,) + values[n + 1:]


def chain(memory):
    """The regions of the chain, the tail's first."""
    region, regions = memory.tail[0], []
    while True:
        regions.append(region)
        if region == memory.oldest:
            return regions
        region = memory.headers[region][1]


def write(memory, writer, changes):
    """The states after the writer's next step."""
    letter, step, claimed = changes[writer.change], writer.step, writer.claimed
    tail, offset = memory.tail
    following = Writer(writer.change + 1, 'begin', None)
    if step == 'begin':
        if letter == 'e':  # evacuates
            regions = chain(memory)
            if len(regions) < 2:
                return [(memory, following)]
            owners = put(memory.owners, regions[-1], -memory.owners[regions[-1]])
            return [(memory._replace(owners=owners, oldest=regions[-2]), following)]
        if letter == 'a' and offset < ROOM:
            return [(memory._replace(tail=(tail, offset + 1)), following)]
        number = memory.numbers + 1
        return [(memory._replace(owners=put(memory.owners, region, number), numbers=number),
                 Writer(writer.change, 'header', region))                       # N3
                for region in range(REGIONS) if memory.owners[region] <= 0]
    if step == 'header':                                                        # W2
        before = tail if letter == 'a' else memory.headers[tail][1]
        if letter == 'f' and tail == memory.oldest:
            before = None
        header = (memory.owners[claimed], before, before is not None and memory.owners[before])
        return [(memory._replace(headers=put(memory.headers, claimed, header)),
                 writer._replace(step='tail'))]
    if step == 'tail':                                                          # W9
        oldest = claimed if letter == 'f' and tail == memory.oldest else memory.oldest
        return [(memory._replace(tail=(claimed, 1), oldest=oldest),
                 Writer(writer.change, 'death', tail) if letter == 'f' else following)]
    return [(memory._replace(owners=put(memory.owners, claimed, -memory.owners[claimed])),
             following)]                                                        # W11


def walk(rules, memory, feed):
    """The feed after its next step, and what it says of the store."""
    step = feed.step
    if step == 'tail':                                                          # F5
        return Feed('number', memory.tail, memory.tail[0], None, None), None
    if step == 'number':
        number = abs(memory.owners[feed.region])
        return feed._replace(step='tail again' if rules['again'] else 'header', number=number), None
    if step == 'tail again':
        same = memory.tail == feed.tail
        return feed._replace(step='header' if same else 'tail'), None
    if step == 'header':                                                        # F3
        return feed._replace(step='intact', header=memory.headers[feed.region]), None
    if abs(memory.owners[feed.region]) != feed.number:                          # F4
        return feed._replace(step='end'), None
    if feed.header is None or feed.header[0] != feed.number:
        return feed, f'region {feed.region}, number {feed.number}, is called damaged'
    if feed.header[1] is None:
        return feed._replace(step='end'), None
    return Feed('header', feed.tail, feed.header[1], feed.header[2], None), None


def explore(name, changes, rules=None):
    rules = dict(dict(again=True), **(rules or {}))
    memory = Memory((1,) + (0,) * (REGIONS - 1), ((1, None, 0),) + (None,) * (REGIONS - 1),
                    (0, 1), 0, 1)
    begin = (memory, Writer(0, 'begin', None), Feed('tail', None, None, None, None))
    came_from, stack, walked = {begin: None}, [begin], 0
    while stack:
        state = stack.pop()
        memory, writer, feed = state
        following = []
        if writer.change < len(changes):
            for after in write(memory, writer, changes):
                following.append((after + (feed,), f'{changes[writer.change]} {writer.step}'))
        if feed.step == 'end':
            walked += 1
        else:
            after, wrong = walk(rules, memory, feed)
            if wrong:
                steps = []
                while came_from[state]:
                    state, label = came_from[state]
                    steps.append(label)
                print(f'{name}: VIOLATION after {len(came_from)} states: {wrong}')
                print('   ', '; '.join(reversed(steps)))
                return
            following.append(((memory, writer, after), f'feed: {feed.step}'))
        for after, label in following:
            if after not in came_from:
                came_from[after] = (state, label)
                stack.append(after)
    print(f'{name}: ok, all {len(came_from)} states, {walked} with a walk that ended')


if __name__ == '__main__':
    for letters in ('aaa', 'ff', 'afaf', 'aeae', 'afafea', 'faeffa', 'aaefaefa'):
        explore(letters, letters)
    explore('CANARY the tail is not loaded again', 'ff', dict(again=False))
