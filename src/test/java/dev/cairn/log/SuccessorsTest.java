package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CorruptStore;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Attacks what is kept of a chain, while the chain moves on without its keeper. */
@Timeout(60)
class SuccessorsTest extends ChainFixture {
    private Successors successors;

    @BeforeEach
    void makeSuccessors() {
        successors = new Successors(data, STRIPE);
    }

    private RegionHeader behindOldest() {
        return successors.of(
                words.acquire(StripeWords.OLDEST) - 1,
                words.acquire(StripeWords.OLDEST_NUMBER),
                words);
    }

    @Test
    void eachOldestRegionHasItsSuccessor() {
        appendLarge(7 * 20);
        for (int left = 20; left > 1; left--) {
            assertThat(headers()).hasSize(left);
            assertThat(behindOldest()).isEqualTo(headers().get(1));
            assertThat(behindOldest()).isEqualTo(headers().get(1));
            evacuateOldest();
        }
    }

    /** The walk read the tail's header, which is damaged by now. */
    @Test
    void whatWasKeptNeedsNoSecondWalk() {
        appendLarge(7 * 6);
        RegionHeader tail = headers().getLast();
        assertThat(behindOldest()).isEqualTo(headers().get(1));
        for (int times = 0; times < 3; times++) {
            evacuateOldest();
            RegionHeader expected = headers().get(1);
            damage(data.regionAt(tail.region()) + 1);
            assertThat(behindOldest()).isEqualTo(expected);
            damage(data.regionAt(tail.region()) + 1);
        }
    }

    /** Meanwhile another process evacuates regions, and claims them again for the same chain. */
    @Test
    void whatWasKeptIsNotTakenForTheChainThatIsThereNow() {
        for (long region = 8; region < REGIONS; region++) {
            giveAway(region);
        }
        appendLarge(7 * 6);
        for (int round = 0; round < 12; round++) {
            assertThat(behindOldest()).isEqualTo(headers().get(1));
            for (int evacuated = 0; evacuated <= round % 4; evacuated++) {
                makeFree(evacuateOldest().region());
                appendLarge(7);
            }
        }
    }

    @Test
    void chainThatDoesNotLeadToTheOldestRegionIsDamage() {
        appendLarge(7 * 4);
        RegionHeader third = headers().get(2);
        setHeader(
                new RegionHeader(
                        third.region(),
                        third.number(),
                        STRIPE,
                        0,
                        third.predecessor(),
                        third.number()));
        assertThatThrownBy(this::behindOldest)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("at byte " + data.regionAt(third.region()))
                .hasMessageContaining("a region whose predecessor is an earlier one of stripe 1");
        setHeader(third);
        assertThat(behindOldest()).isEqualTo(headers().get(1));
    }
}
