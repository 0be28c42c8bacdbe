package dev.cairn.engine;

import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/*
 * Which regions of a damaged file are a stripe's chain.
 *
 * Words     the cut of the checkpoint: oldest region, tail, the numbers of both; in each region's
 *           header its number and its predecessor's place and number.
 * Steps     It goes from the tail back. If a header agrees with the region behind it, it leads on. If
 *           the header of a region is destroyed, the region still is a member, since the one behind it
 *           names it; its records are proven by their own checksums, which include its number. It
 *           does not lead on. Then the chain goes on at that region of the stripe whose header has the
 *           greatest number below, but not below the oldest; if there is none, at the oldest.
 * Why no record counts that should not
 *           Numbers fall along a chain, and every region that ever left a chain at its oldest end has
 *           a lesser number than the oldest (RULE 24). A region whose number lies between those of two
 *           members, and which was never one of them, is of one of two kinds. It was folded; then all
 *           its keys have a newer record, or the same, in the region that took its place (RULE 26),
 *           which lies behind it. Or a writer gave it up, or a power loss left it out; then it holds
 *           records of writes that never took effect, whose versions are given again. So a region that
 *           was found by its own header alone is a guess, unless it is the oldest. It proves nothing,
 *           and all that lies before the destroyed header is uncertain.
 * Without a checkpoint
 *           The chain begins at the stripe's region with the greatest number, and ends where the
 *           headers no longer lead on. What lies further back is left out, since removals that lie
 *           in between could be missing. Everything that is found so is uncertain.
 */
/** Finds the regions of a stripe's chain in a damaged file. */
final class SalvageChain {
    /**
     * A region of the chain.
     *
     * @param number its allocation number, which the checksums of its records cover
     * @param broken whether regions may be missing before it
     */
    record Member(long region, long number, boolean broken) {}

    /**
     * What was found of a chain.
     *
     * @param members its regions, the oldest first
     * @param endMissing whether regions are missing behind the last of them
     * @param guessed how many of the oldest ones may not be members, or may have regions before
     *     them that are not
     */
    record Found(List<Member> members, boolean endMissing, int guessed) {}

    private final SalvageSource source;
    private final SalvageReport report;
    private final int stripe;
    private final List<Member> found = new ArrayList<>();
    private boolean endMissing;

    /** The number of members behind the first guess, -1 if nothing is guessed. */
    private int behindGuess = -1;

    private SalvageChain(SalvageSource source, SalvageReport report, int stripe) {
        this.source = source;
        this.report = report;
        this.stripe = stripe;
    }

    /** The regions of the chain of a checkpoint, the oldest first. */
    static Found of(SalvageSource source, SalvageReport report, int stripe, Cut cut) {
        SalvageChain chain = new SalvageChain(source, report, stripe);
        if (cut.tail() != 0) {
            chain.follow(cut);
        }
        return chain.result();
    }

    /** The regions that the stripe's headers tell of if no checkpoint can be read. */
    static Found byHeaders(SalvageSource source, SalvageReport report, int stripe) {
        SalvageChain chain = new SalvageChain(source, report, stripe);
        RegionHeader header = source.search(stripe, 0, Long.MAX_VALUE);
        while (header != null) {
            RegionHeader before =
                    header.predecessor() == 0 ? null : source.header(header.predecessor() - 1);
            boolean leads =
                    before != null
                            && isMember(before, stripe, header.predecessorNumber())
                            && before.number() < header.number();
            chain.found.add(new Member(header.region(), header.number(), !leads));
            header = leads ? before : null;
        }
        return chain.result();
    }

    private Found result() {
        int guessed = behindGuess < 0 ? 0 : found.size() - behindGuess;
        return new Found(found.reversed(), endMissing, guessed);
    }

    private static boolean isMember(@Nullable RegionHeader header, int stripe, long number) {
        return header != null
                && header.stripe() == stripe
                && header.number() == number
                && header.runRegions() == 0;
    }

    private void follow(Cut cut) {
        long region = Place.region(cut.tail());
        long number = cut.tailNumber();
        while (number > cut.oldestNumber()) {
            RegionHeader header = source.header(region);
            boolean sound = isMember(header, stripe, number);
            boolean usedAgain = header != null && !sound;
            boolean leads =
                    sound
                            && header != null
                            && header.predecessorNumber() >= cut.oldestNumber()
                            && header.predecessorNumber() < number
                            && header.predecessor() > 0;
            if (!sound) {
                lost(region, number, header);
            }
            if (!usedAgain && source.has(region)) {
                found.add(new Member(region, number, !leads));
            } else {
                breakBehind();
            }
            if (leads && header != null) {
                region = header.predecessor() - 1;
                number = header.predecessorNumber();
            } else {
                RegionHeader next = source.search(stripe, cut.oldestNumber(), number);
                region = next == null ? cut.oldest() - 1 : next.region();
                number = next == null ? cut.oldestNumber() : next.number();
                if (number > cut.oldestNumber() && behindGuess < 0) {
                    behindGuess = found.size();
                }
            }
        }
        followToOldest(cut);
    }

    /** Follows the chain to the oldest region, which the cut names, whatever its header says. */
    private void followToOldest(Cut cut) {
        long region = cut.oldest() - 1;
        RegionHeader header = source.header(region);
        boolean sound = isMember(header, stripe, cut.oldestNumber());
        if (!sound) {
            lost(region, cut.oldestNumber(), header);
        }
        if (source.has(region) && (header == null || sound)) {
            found.add(new Member(region, cut.oldestNumber(), false));
        } else {
            breakBehind();
        }
    }

    private void lost(long region, long number, @Nullable RegionHeader header) {
        report.lostRegion();
        report.damage(
                source.header().regionAt(region),
                "the header of region %d of stripe %d, number %d".formatted(region, stripe, number),
                header == null ? "bytes without a valid checksum" : header.toString());
    }

    /** Notes that regions may be missing before the region that was found last. */
    private void breakBehind() {
        if (found.isEmpty()) {
            endMissing = true;
        } else {
            Member last = found.removeLast();
            found.add(new Member(last.region(), last.number(), true));
        }
    }
}
