package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.log.Appender;
import dev.cairn.log.Regions;

/*
 * Actors    the holder of a stripe's lock.
 * Words     given up: the allocation number of the tail region behind whose tail nobody may write;
 *           any other number, and 0: nobody forbids it.
 * Steps     U1 if the first 16 bytes behind the tail are not all 0: given up := tail number; by
 *              whoever takes the lock over from a dead holder that had no intent, before anything
 *              else; by a live one whose write failed behind W2
 *           U2 before the next record or copy is appended: what counts of the tail region is copied to
 *              a new region, which takes its place by one commit (a fold without a record, W2 to W12)
 *           U3 given up := 0
 * Why it is safe
 *           Behind a failed force the kernel may drop a page and read back what the disk has: any
 *           image that the page had. A checksum proves that a record is the one which was written
 *           there last only if no other was ever written there whole, in this life of the region. A
 *           holder that died between W2 and W5 may have written one, and the kernel may have written
 *           it back, so that a record in the same place could turn into the other one, unnoticed.
 *           So nobody writes there: U1 comes before whoever takes over can append, and U2 gives the
 *           stripe a tail region of another number, under which no earlier byte has a valid checksum
 *           (RULES 2, 4). No filler is needed behind the tail that is given up, which would stand in
 *           that very place: a region that was folded is in no chain.
 *           With the intent set nothing was written behind the tail that the commit stages, but for
 *           the image of an overwrite in place, whose checksum is for another place.
 *           Copies of a window are several records behind one tail, so whoever makes them says so
 *           before (MOVED_FROM), and the tail is given up whatever stands behind it.
 *           With 16 zeros behind the tail no whole record was: a record's kind is among these bytes,
 *           it is not 0, and nobody stores zeros over it. The bytes lie in one page, so what the
 *           kernel holds, or reads from the disk if it dropped the page, would show it. The rest of a
 *           record whose beginning was never stored has no checksum.
 *           A recovery zeroes what stands behind its tails instead, before its forced checkpoint:
 *           until that is durable nobody writes, and then the disk has no other image there.
 *           A record that was overwritten in place had others in its place, in this life. The count in
 *           it and in its slot word tells which one it is (RULE 35).
 * What is benign
 *           A region that is given up for what its former life left behind the tail, or for the image
 *           of a record that was overwritten in place, whose checksum is for another place.
 *           A region that is damaged is gone on with: no recovery can replay it anyhow. The word
 *           stays until the stripe has another tail region, so that no image is staged behind this one.
 * If a process dies here
 *           Between L4 and U1 the lock word names the dead, and the next does U1. Before U2's commit
 *           the claim is given back, and the word stays. Behind it the tail has another number.
 * If power fails here
 *           A recovery zeroes what is behind the tails that it finds.
 */
/** Gives a stripe a tail region behind whose tail nothing was ever written. */
final class Renewal {
    private final StripeWords words;
    private final Folding folding;
    private final Appender appender;
    private final Commit commit;

    /** The tail region that was given up and could not be folded; guarded by the stripe's lock. */
    private long damaged;

    Renewal(Site site, Folding folding, Appender appender, Commit commit) {
        this.words = site.words();
        this.folding = folding;
        this.appender = appender;
        this.commit = commit;
    }

    /**
     * Sees to it that the stripe's tail may be appended to; under its lock.
     *
     * @param use what a region may be claimed for
     * @return false if there is no room: give the lock back, {@link Regions#makeRoom}, start again
     */
    boolean ready(Regions.Use use) {
        long givenUp = words.acquire(StripeWords.GIVEN_UP);
        return givenUp == 0 || ready(givenUp, use);
    }

    private boolean ready(long givenUp, Regions.Use use) {
        if (givenUp == appender.tailNumber()) {
            Appender.Fold fold = givenUp == damaged ? null : folding.ofWholeTail();
            if (fold == null) {
                damaged = givenUp;
                return true; // the word stays: nothing is staged there
            }
            Appender.Spot place = appender.replaceTail(fold, use);
            if (place == null) {
                return false;
            }
            fold.keep().forEach(entry -> words.noteExpiry(entry.expires()));
            commit.replaceTail(place); // U2
        }
        words.release(StripeWords.GIVEN_UP, 0); // U3
        return true;
    }
}
