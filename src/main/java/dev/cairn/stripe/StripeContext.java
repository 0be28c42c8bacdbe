package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.index.Mapped;
import dev.cairn.log.Regions;

/**
 * What the parts of a stripe have in common.
 *
 * @param number the number of the stripe
 * @param words the stripe's own words in shared memory
 * @param settings the same for all stripes of the store
 */
record StripeContext(
        int number,
        StripeWords words,
        Mapped mapped,
        Regions regions,
        Damages damages,
        StripeSettings settings) {}
