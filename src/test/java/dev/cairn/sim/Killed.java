package dev.cairn.sim;

import java.util.List;

/**
 * What is left of a machine if all its processes were killed but its power is on.
 *
 * @param data the data file
 * @param shared the shared-memory file
 * @param points the states that a loss of power would leave
 * @param lastVersion the greatest version that anybody was told
 * @param standing what is known of the store
 * @param where the step, and its number
 * @param seed the seed of what is done to the store afterwards
 */
record Killed(
        PageCache.State data,
        PageCache.State shared,
        List<Point> points,
        long lastVersion,
        Rig.Standing standing,
        String where,
        long seed) {}
