package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.log.Appender;
import dev.cairn.log.Regions;

/*
 * Actors    the holder of a stripe's lock.
 * Words     given up: the allocation number of the tail region behind whose tail no process may write;
 *           with any other number, or 0, every holder may.
 * Steps     U1 if the first 16 bytes behind the tail are not all 0: given up := tail number. It is done
 *              by a process that takes the lock over from a dead holder without an intent, before
 *              anything else; and by a live holder whose write failed after W2
 *           U2 before the next record or copy is appended: the live records of the tail region are
 *              copied to a new region, which takes its place by one commit (a fold without a record,
 *              W2 to W12)
 *           U3 given up := 0
 * Why it is safe
 *           After a failed force the kernel may drop a page and read back what the disk has: any
 *           image that the page once had. A checksum proves that a record is the last one that was
 *           written at its place only if no other was ever written there whole, in this life of the
 *           region. A holder that died between W2 and W5 may have written one, and the kernel may have
 *           written it to the disk. Then a record at the same place could turn into the other one,
 *           unnoticed. So nobody writes there: U1 comes before the new holder can append, and U2 gives
 *           the stripe a tail region with another number, under which no earlier byte has a valid
 *           checksum (RULES 2, 4). The tail that is given up needs no filler behind it, which would lie
 *           at that very place: a region that was folded is in no chain.
 *           If the intent is set, nothing was written behind the tail that the commit stages, except
 *           the image of an overwrite in place, whose checksum is for another place.
 *           Copies of a window are several records behind one tail. So the process that makes them says
 *           so before (MOVED_FROM), and the tail is given up whatever lies behind it.
 *           If there are 16 zeros behind the tail, no whole record was there: a record's kind is among
 *           these bytes, it is not 0, and nobody stores zeros over it. The bytes lie in one page, so
 *           what the kernel holds, or reads from the disk if it dropped the page, would show it. A
 *           record whose beginning was never stored has no valid checksum.
 *           A recovery instead zeroes what lies behind its tails, before its forced checkpoint:
 *           until that is durable nobody writes, and then the disk has no other image there.
 *           If a record was overwritten in place, other records were at its place in this life. The
 *           count in it and in its slot word tells which one it is (RULE 35).
 * What is benign
 *           A region is given up because of what its former life left behind the tail, or because of
 *           the image of an overwrite in place, whose checksum is for another place.
 *           A damaged region stays in use: no recovery can replay it anyway. The word stays until the
 *           stripe has another tail region, so that no image is staged behind this one.
 * If a process dies here
 *           Between L4 and U1 the lock word names the dead process, and the next holder does U1. Before
 *           U2's commit the claim is given back, and the word stays. After it the tail has another number.
 * If power fails here
 *           A recovery zeroes what lies behind the tails that it finds.
 */
/** Gives a stripe a tail region behind whose tail nothing was ever written. */
final class Renewal {
    private final StripeWords words;
    private final Folding folding;
    private final Appender appender;
    private final Commit commit;

    /** The tail region that was given up and could not be folded; guarded by the stripe's lock. */
    private long damaged;

    Renewal(StripeContext context, Folding folding, Appender appender, Commit commit) {
        this.words = context.words();
        this.folding = folding;
        this.appender = appender;
        this.commit = commit;
    }

    /**
     * Makes sure that the stripe's tail may be appended to; the caller holds its lock.
     *
     * @param use what a region may be claimed for
     * @return false if there is no room. The caller must then release the lock, call {@link
     *     Regions#makeRoom}, and start again.
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
            Appender.Placement placement = appender.replaceTail(fold, use);
            if (placement == null) {
                return false;
            }
            fold.keep().forEach(entry -> words.noteExpiry(entry.expires()));
            commit.replaceTail(placement); // U2
        }
        words.release(StripeWords.GIVEN_UP, 0); // U3
        return true;
    }
}
