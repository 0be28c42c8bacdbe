package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Durability;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/** Attacks, by examples, what a stripe's descriptor says and where words of shared memory stand. */
class DescriptorWordsTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(2), 64);
    private final StripeWords words = new StripeWords(memory, SharedLayout.stripeAt(1));

    @Test
    void expiryLowersBothWordsAndNeverRaisesThem() {
        words.noteExpiry(0);
        expiriesAre(0);
        words.noteExpiry(50);
        expiriesAre(50);
        words.noteExpiry(60);
        expiriesAre(50);
        words.noteExpiry(40);
        expiriesAre(40);
        words.noteExpiry(0);
        expiriesAre(40);
    }

    private void expiriesAre(long earliest) {
        assertThat(words.acquire(StripeWords.EARLIEST_EXPIRY)).isEqualTo(earliest);
        assertThat(words.acquire(StripeWords.NEXT_EARLIEST_EXPIRY)).isEqualTo(earliest);
    }

    /** The stripe is damaged until the damaged region leaves the chain, whose numbers grow. */
    @Test
    void stripeIsDamagedWhileItHasTheRegion() {
        assertThat(words.damaged()).isFalse();
        words.release(StripeWords.DAMAGED, 5);
        words.release(StripeWords.OLDEST_NUMBER, 4);
        assertThat(words.damaged()).isTrue();
        words.release(StripeWords.OLDEST_NUMBER, 5);
        assertThat(words.damaged()).isTrue();
        words.release(StripeWords.OLDEST_NUMBER, 6);
        assertThat(words.damaged()).isFalse();
        words.release(StripeWords.DAMAGED, 0);
        words.release(StripeWords.OLDEST_NUMBER, 0);
        assertThat(words.damaged()).isFalse();
    }

    @Test
    void evacuationIsOfTheOldestRegion() {
        assertThat(words.evacuating()).isFalse();
        words.release(StripeWords.EVACUATING, 5);
        assertThat(words.evacuating()).isFalse();
        words.release(StripeWords.OLDEST_NUMBER, 5);
        assertThat(words.evacuating()).isTrue();
        words.release(StripeWords.OLDEST_NUMBER, 6);
        assertThat(words.evacuating()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                StripeWords.INTENT,
                StripeWords.BUILDING,
                StripeWords.NEXT,
                StripeWords.NEXT_RUN
            })
    void whateverAHolderLeftIsPending(int field) {
        assertThat(words.pending()).isFalse();
        words.release(field, 1);
        assertThat(words.pending()).isTrue();
        words.release(field, 0);
        assertThat(words.pending()).isFalse();
    }

    @Test
    void placesInSharedMemory() {
        assertThat(SharedLayout.stripe(SharedLayout.stripeAt(3))).isEqualTo(3);
        assertThat(SharedLayout.pinAt(0)).isEqualTo(SharedLayout.PINS);
        assertThat(SharedLayout.pinAt(3)).isEqualTo(SharedLayout.PINS + 3 * PinWords.BYTES);
        assertThat(TableWord.bytes(0)).isEqualTo(1 << 14);
        assertThat(TableWord.bytes(8)).isEqualTo(1 << 14);
        assertThat(TableWord.bytes(10)).isEqualTo(1 << 16);
    }

    /** The hash is 1011..., of which two bits belong to the stripe. */
    @Test
    void hashIsUsedUpFromTheTop() {
        long hash = 0b1011_0110L << 56 | 0x7F;
        assertThat(HashBits.stripe(hash, 2)).isEqualTo(0b10);
        assertThat(HashBits.stripe(hash, 0)).isZero();
        long rest = HashBits.rest(hash, 2);
        assertThat(rest).isEqualTo(0b1101_1000L << 56 | 0x1FC);
        assertThat(HashBits.home(rest, 3)).isEqualTo(0b110);
        assertThat(HashBits.home(rest, 0)).isZero();
        assertThat(HashBits.tag(hash)).isEqualTo(0x7F);
        assertThat(HashBits.stride(0x7F)).isEqualTo(0xFF);
    }

    @Test
    void waitingWordIsAskedUntilItIsWoken() {
        assertThat(WaitingWord.asked(8)).isFalse();
        assertThat(WaitingWord.asked(8 | WaitingWord.THREADS)).isTrue();
        assertThat(WaitingWord.asked(8 | WaitingWord.FEEDS)).isTrue();
        assertThat(WaitingWord.woken(8 | WaitingWord.THREADS | WaitingWord.FEEDS)).isEqualTo(12);
    }

    private static DataHeader header(long maxBytes) {
        return new DataHeader(
                new UUID(1, 2),
                new UUID(3, 4),
                4,
                1 << 16,
                Durability.CHECKPOINT,
                false,
                new CacheTerms(maxBytes, maxBytes == 0 ? 1 : 0));
    }

    /**
     * It keeps a byte of ghosts for 64 bytes of the file, and a bit for 32 bytes of its regions.
     */
    @Test
    void whatEvictionKeepsIsAFortiethOfTheFile() {
        DataHeader header = header((1 << 24) + (1 << 15));
        assertThat(CacheLayout.ghostBytes(header)).isEqualTo((1 << 16) + (1 << 7));
        long stripeBytes = CacheLayout.GHOSTS + CacheLayout.ghostBytes(header);
        assertThat(CacheLayout.stripeAt(header, 0)).isEqualTo(SharedLayout.stripeAt(4));
        assertThat(CacheLayout.stripeAt(header, 3))
                .isEqualTo(SharedLayout.stripeAt(4) + 3 * stripeBytes);
        assertThat(CacheLayout.marksAt(header))
                .isEqualTo(SharedLayout.stripeAt(4) + 4 * stripeBytes);
        assertThat(CacheLayout.places(header)).isEqualTo(256L * (1 << 16) / 32);
        assertThat(CacheLayout.bytes(header)).isEqualTo(4 * stripeBytes + (1 << 24) / 32 / 8);
        assertThat(CacheLayout.markBytes(1 << 16)).isEqualTo((1 << 16) / 32 / 8);
        assertThat(SharedLayout.areasAt(header))
                .isGreaterThanOrEqualTo(SharedLayout.stripeAt(4) + CacheLayout.bytes(header));
        assertThat(CacheLayout.bytes(header(0))).isZero();
    }

    @Test
    void regionsFollowOneAnother() {
        DataHeader header = header(1 << 24);
        assertThat(header.regionAt(0)).isEqualTo(header.regionsAt());
        assertThat(header.regionAt(3)).isEqualTo(header.regionsAt() + 3 * (1 << 16));
    }

    @Test
    void wordsTellWhatStoodThere() {
        Words.release(memory, 0, 5);
        assertThat(Words.cas(memory, 0, 4, 6)).isFalse();
        assertThat(Words.acquire(memory, 0)).isEqualTo(5);
        assertThat(Words.cas(memory, 0, 5, 6)).isTrue();
        assertThat(Words.exchange(memory, 0, 7)).isEqualTo(6);
        assertThat(Words.add(memory, 0, 3)).isEqualTo(7);
        assertThat(Words.acquire(memory, 0)).isEqualTo(10);
        assertThat(Words.intPlain(memory, 0)).isEqualTo(10);
    }

    @Test
    void seedOfABootHasAllOfItsBits() {
        assertThat(ClockWord.seed(new UUID(0, 5))).isEqualTo(5);
        assertThat(ClockWord.seed(new UUID(5, 0))).isEqualTo(5);
        assertThat(ClockWord.seed(new UUID(5, 6))).isEqualTo(3);
    }
}
