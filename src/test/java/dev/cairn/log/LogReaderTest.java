package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.Pauses;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Attacks the reading of a whole log with cleaning, damage and overwrites in place: each record is
 * told once, and what is missing is told to be damage or a gap.
 */
@Timeout(60)
class LogReaderTest extends ChainFixture {
    private final List<Chain.Entry> told = new ArrayList<>();
    private final List<String> damages = new ArrayList<>();

    /** What is done when a record is told. */
    private Runnable meanwhile = () -> {};

    /** The greatest version that can exist, as it was told with the last record. */
    private long newest;

    private LogReader reader() {
        return new LogReader(
                data,
                words,
                STRIPE,
                new LogReader.Sink() {
                    @Override
                    public void record(Chain.Entry entry, long version) {
                        told.add(entry);
                        newest = version;
                        meanwhile.run();
                    }

                    @Override
                    public void damage(CorruptStore damage) {
                        damages.add(damage.getMessage());
                    }
                });
    }

    private List<Long> versions() {
        return told.stream().map(Chain.Entry::version).toList();
    }

    private static Long[] from(long first, long last) {
        return LongStream.rangeClosed(first, last).boxed().toArray(Long[]::new);
    }

    private void isSound(LogReader reader) {
        assertThat(damages).isEmpty();
        assertThat(reader.hasGaps()).isFalse();
    }

    @Test
    void eachRecordIsToldOnceHoweverOftenItIsRead() {
        LogReader reader = reader();
        reader.readTo(Cut.EMPTY);
        assertThat(told).isEmpty();
        appendLarge(3);
        reader.readTo(cut());
        are(told, 0);
        reader.readTo(cut());
        appendLarge(2); // in the same region
        reader.readTo(cut());
        are(told, 0);
        appendLarge(20); // from the rest of that region to another tail
        reader.readTo(cut());
        are(told, 0);
        many();
        reader.readTo(cut());
        are(told, 0);
        isSound(reader);
    }

    /** A record may have a version that was given after the cut, and one more. */
    @Test
    void greatestVersionIsThatOfTheCutOrOfTheStripe() {
        appendLarge(3);
        Cut cut = cut();
        words.release(StripeWords.VERSION, 10);
        reader().readTo(cut);
        assertThat(newest).isEqualTo(11);
        words.release(StripeWords.VERSION, 1);
        reader().readTo(cut);
        assertThat(newest).isEqualTo(3);
    }

    @Test
    void recordsBehindTheCutAreNotTold() {
        appendLarge(9);
        Cut cut = cut();
        appendLarge(9);
        LogReader reader = reader();
        reader.readTo(cut);
        assertThat(versions()).containsExactly(from(1, 9));
        reader.readTo(cut());
        are(told, 0);
        isSound(reader);
    }

    /** What stands before the damage is told, and so is what stands in later regions. */
    @Test
    void damageIsToldAndReadingGoesOnInTheNextRegion() {
        appendLarge(16);
        damage(placements.get(2).offset() + 100);
        LogReader reader = reader();
        reader.readTo(cut());
        Long[] later = from(8, 16);
        assertThat(versions()).startsWith(1L, 2L).endsWith(later).hasSize(11);
        assertThat(damages)
                .singleElement()
                .asString()
                .contains("at byte " + placements.get(2).offset());
        assertThat(reader.hasGaps()).isFalse();
        reader.readTo(cut());
        assertThat(told).hasSize(11);
    }

    /**
     * Y6: between the copy of a region and the look at the run of its tombstone the region is
     * evacuated, and the run goes to another record. If the region is still there and nobody is
     * evacuating it, the run is damaged; whoever is told finds out, by the records of the same key.
     *
     * @param later the last region that was evacuated, from this one on
     */
    @ParameterizedTest
    @CsvSource({"0, 1, true", "0, 0, false", "-1, 1, false", "-1, 0, false"})
    void tombstoneWhoseRunWentWithItsRegionIsAGap(long later, long intent, boolean gap) {
        append(Content.key(1), Content.value(1, 1, 10), 0);
        append(Content.key(9, 50_000), null, 0);
        reader().readTo(cut());
        Chain.Entry tombstone = told.getLast();
        assertThat(tombstone.kind()).isEqualTo(RecordLayout.TOMBSTONE);
        long region = data.regionOf(tombstone.offset());
        damage(data.regionAt(Place.region(tombstone.run().word())) + 1_000);
        words.release(StripeWords.EVACUATED, data.number(region) + later);
        words.release(StripeWords.INTENT, intent);
        told.clear();
        LogReader again = reader();
        again.readTo(cut());
        assertThat(told).anyMatch(Chain.Entry::gone);
        assertThat(damages).isEmpty();
        assertThat(again.hasGaps()).isEqualTo(gap);
    }

    /** Y5: a writer that was killed during an overwrite in place, while nobody repairs. */
    @Test
    void recordThatIsOverwrittenForEverIsAGap() {
        appendLarge(5);
        damage(placements.get(2).offset() + 100);
        words.release(StripeWords.INTENT, StripeWords.IN_PLACE);
        int[] pauses = {0};
        pausing(() -> pauses[0]++);
        LogReader reader = reader();
        reader.readTo(cut());
        assertThat(versions()).containsExactly(1L, 2L);
        assertThat(damages).isEmpty();
        assertThat(reader.hasGaps()).isTrue();
        assertThat(pauses[0]).isEqualTo(199); // of 300 looks, the first hundred do not wait
    }

    /** Does something in each pause, and does not sleep. */
    private static void pausing(Runnable what) {
        Pauses.listen(_ -> {
            what.run();
            return 0;
        });
    }

    /** Y5: the overwrite ends, and the record is read again. */
    @Test
    void recordThatWasOverwrittenMeanwhileIsReadAgain() {
        appendLarge(5);
        long torn = placements.get(2).offset() + 100;
        damage(torn);
        words.release(StripeWords.INTENT, StripeWords.IN_PLACE);
        pausing(() -> {
            if (words.acquire(StripeWords.INTENT) != 0) {
                damage(torn);
                words.release(StripeWords.IN_PLACE_VERSION, 6);
                words.release(StripeWords.INTENT, 0);
            }
        });
        LogReader reader = reader();
        reader.readTo(cut());
        are(told, 0);
        isSound(reader);
    }

    /** Y5: the overwrite begins while records before it are read. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void recordWhoseOverwriteBeginsMeanwhileIsReadAgain(boolean ends) {
        appendLarge(5);
        long torn = placements.get(2).offset() + 100;
        damage(torn);
        meanwhile =
                () -> {
                    meanwhile = () -> {};
                    words.release(
                            ends ? StripeWords.IN_PLACE_VERSION : StripeWords.INTENT,
                            ends ? 6 : StripeWords.IN_PLACE);
                    if (ends) {
                        damage(torn);
                    }
                };
        pausing(() -> {
            if (words.acquire(StripeWords.INTENT) != 0) {
                damage(torn);
                words.release(StripeWords.INTENT, 0);
            }
        });
        LogReader reader = reader();
        reader.readTo(cut());
        are(told, 0);
        isSound(reader);
    }

    /** Another intent stands while a record is appended, and excuses no damage. */
    @Test
    void anotherIntentExcusesNoDamage() {
        appendLarge(5);
        damage(placements.get(2).offset() + 100);
        words.release(StripeWords.INTENT, StripeWords.SHORT);
        reader().readTo(cut());
        assertThat(damages).hasSize(1);
    }

    /** The reader has read a part of a region that is evacuated and claimed again. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void regionThatWasEvacuatedIsAGapOnceSomethingBeforeItWasRead(boolean begun) {
        LogReader reader = reader();
        appendLarge(3);
        if (begun) {
            reader.readTo(cut());
        }
        appendLarge(17);
        Cut cut = cut();
        RegionHeader gone = evacuateOldest();
        giveAway(gone.region());
        damage(data.regionAt(gone.region()) + 1);
        reader.readTo(cut);
        assertThat(damages).isEmpty();
        assertThat(reader.hasGaps()).isEqualTo(begun);
        assertThat(versions().subList(begun ? 3 : 0, told.size())).containsExactly(from(8, 20));
        reader.readTo(cut());
        assertThat(told).hasSize(begun ? 16 : 13);
    }

    /** The rest of the region was not read, and whole regions between are gone, too. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void regionsThatWereEvacuatedBetweenAreAGap(boolean beforeTheCut) {
        LogReader reader = reader();
        appendLarge(3);
        reader.readTo(cut());
        appendLarge(20);
        Cut cut = cut();
        giveAway(evacuateOldest().region());
        giveAway(evacuateOldest().region());
        reader.readTo(beforeTheCut ? cut() : cut);
        assertThat(damages).isEmpty();
        assertThat(reader.hasGaps()).isTrue();
        assertThat(versions()).startsWith(from(1, 3)).endsWith(from(15, 23)).hasSize(12);
    }

    /** Its region leaves the chain by a fold, which keeps what is alive. */
    @Test
    void foldedRegionIsNoGap() {
        LogReader reader = reader();
        appendLarge(10);
        reader.readTo(cut());
        appendLarge(4);
        RegionHeader folded = headers().getLast();
        List<Chain.Entry> inTail = new ArrayList<>();
        Chain.region(data, STRIPE, folded.region(), folded.number(), cut().tail())
                .forEach(inTail::add);
        append(
                Draft.of(Content.key(50), new byte[9_000], 0, REGION_BYTES),
                new Appender.Fold(folded, List.of(inTail.get(1), inTail.get(5)), 7 * 9_040));
        giveAway(folded.region());
        reader.readTo(cut());
        assertThat(versions()).startsWith(from(1, 10)).endsWith(9L, 13L, 15L).hasSize(13);
        isSound(reader);
    }

    /** Y4: the owner entry says another life, and nothing left the log since the cut. */
    @Test
    void ownerEntryThatSaysAnotherLifeIsDamage() {
        appendLarge(16);
        RegionHeader second = headers().get(1);
        giveAway(second.region());
        LogReader reader = reader();
        reader.readTo(cut());
        assertThat(damages)
                .singleElement()
                .asString()
                .contains("at byte " + data.regionAt(second.region()))
                .contains(
                        "an owner entry of stripe 1, number %d, for the region"
                                .formatted(second.number()))
                .contains(
                        "found an owner entry of stripe 0, number %d"
                                .formatted(second.number() + 1_000));
        are(told, 0);
    }

    @Test
    void headerThatIsDamagedOrLeadsAstrayIsDamage() {
        appendLarge(16);
        RegionHeader second = headers().get(1);
        long at = data.regionAt(second.region()) + 1;
        damage(at);
        reader().readTo(cut());
        assertThat(damages).singleElement().asString().contains("bytes without a valid checksum");
        assertThat(versions()).containsExactly(from(15, 16));
        damages.clear();
        Cut cut = cut();
        appendLarge(7); // the cut is older, but the region is alive
        reader().readTo(cut);
        assertThat(damages).singleElement().asString().contains("bytes without a valid checksum");
        damages.clear();
        damage(at);
        for (RegionHeader wrong :
                List.of(
                        astray(second, 0, 0),
                        astray(second, second.predecessor(), second.number()))) {
            setHeader(wrong);
            told.clear();
            reader().readTo(cut());
            assertThat(versions()).containsExactly(from(8, 23));
            assertThat(damages)
                    .singleElement()
                    .asString()
                    .contains("a region whose predecessor is an earlier one of stripe 1");
            damages.clear();
        }
    }

    private static RegionHeader astray(RegionHeader header, long before, long number) {
        return new RegionHeader(header.region(), header.number(), STRIPE, 0, before, number);
    }
}
