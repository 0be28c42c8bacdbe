package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.index.Mapped;
import dev.cairn.log.Regions;

/**
 * What the parts of a stripe stand on: which one it is, and what it has in common with others.
 *
 * @param number of the stripe
 * @param words its own in shared memory
 */
record Site(int number, StripeWords words, Mapped mapped, Regions regions, Damages damages) {}
