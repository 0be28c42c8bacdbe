package dev.cairn.cli.bench;

import dev.cairn.units.Units;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What bounds a store on this machine, by the figures alone. */
record Verdict(Reads reads, Durable durable, Threads threads, Evidence evidence) {
    /** A get waits for a bucket of the index, and then for the record that it names. */
    static final double LOADS_A_GET = 2;

    /** Reads are bounded by the memory if so much of a get is waiting for it. */
    static final double WAITING_PART = 0.5;

    /** Checkpoints are bounded by syncs if they take no longer than so many of one page. */
    static final double SYNCS_A_CHECKPOINT = 10;

    /** Threads gain if each further one adds so much of what one does alone. */
    static final double LEAST_GAIN = 0.2;

    /** Threads that got less of the processors than this were held back. */
    static final double RECEIVED_PART = 0.8;

    /** Processors that others use without being a load. */
    static final double FOREIGN_LOAD = 0.35;

    /**
     * What the verdict goes by.
     *
     * @param getNanos of one thread
     * @param inMemory whether the file system is
     * @param checkpoint how long one took
     * @param few the entries that had been overwritten before it
     * @param receivedAlone processors that one thread had
     * @param gain how many times the gets of one thread all threads did together
     * @param received processors that all threads together had
     * @param foreign processors that others had meanwhile
     */
    record Evidence(
            double getNanos,
            double loadNanos,
            boolean inMemory,
            Duration sync,
            Duration checkpoint,
            int few,
            int threads,
            int processors,
            double receivedAlone,
            double gain,
            double received,
            OptionalDouble foreign) {}

    /** What bounds a get: with less than a processor for one thread, nothing else can be told. */
    enum Reads {
        HELD_BACK,
        MEMORY,
        PROCESSOR
    }

    /** What bounds a checkpoint. */
    enum Durable {
        NOTHING_IS_DURABLE,
        SYNC,
        WRITING
    }

    /** Whether threads gain, and if not, why. */
    enum Threads {
        GAIN,
        FEW_PROCESSORS,
        FOREIGN_LOAD,
        HELD_BACK,
        SHARED_MEANS
    }

    static Verdict of(Evidence evidence) {
        return new Verdict(reads(evidence), durable(evidence), threads(evidence), evidence);
    }

    /** A line each, of a subject and a sentence. */
    List<List<String>> lines() {
        return List.of(
                List.of("reads", readsLine()),
                List.of("checkpoints", durableLine()),
                List.of("threads", threadsLine()));
    }

    private static Reads reads(Evidence e) {
        if (e.receivedAlone < RECEIVED_PART) {
            return Reads.HELD_BACK;
        }
        return LOADS_A_GET * e.loadNanos >= WAITING_PART * e.getNanos
                ? Reads.MEMORY
                : Reads.PROCESSOR;
    }

    private static Durable durable(Evidence e) {
        if (e.inMemory) {
            return Durable.NOTHING_IS_DURABLE;
        }
        return e.checkpoint.toNanos() <= SYNCS_A_CHECKPOINT * e.sync.toNanos()
                ? Durable.SYNC
                : Durable.WRITING;
    }

    private static Threads threads(Evidence e) {
        if (e.gain >= 1 + LEAST_GAIN * (e.threads - 1)) {
            return Threads.GAIN;
        }
        if (e.processors < e.threads) {
            return Threads.FEW_PROCESSORS;
        }
        if (e.received >= RECEIVED_PART * e.threads) {
            return Threads.SHARED_MEANS;
        }
        return e.foreign.orElse(0) >= FOREIGN_LOAD ? Threads.FOREIGN_LOAD : Threads.HELD_BACK;
    }

    private String readsLine() {
        String cause =
                switch (reads) {
                    case HELD_BACK ->
                            "bounded by CPU: one thread was given %s of a processor;"
                                    .formatted(decimal(evidence.receivedAlone));
                    case MEMORY -> "bounded by memory:";
                    case PROCESSOR -> "bounded by CPU, not memory:";
                };
        return "%s a get takes %s ns, a dependent random load %s ns"
                .formatted(
                        cause,
                        Units.count(Math.round(evidence.getNanos)),
                        Units.count(Math.round(evidence.loadNanos)));
    }

    private String durableLine() {
        String figures =
                "a checkpoint of %s takes %s, the sync of a page %s"
                        .formatted(
                                Units.entries(evidence.few),
                                Units.time(evidence.checkpoint),
                                Units.time(evidence.sync));
        return switch (durable) {
            case NOTHING_IS_DURABLE ->
                    "make nothing durable here: this file system is memory, which a reboot empties";
            case SYNC -> "bounded by disk sync: " + figures;
            case WRITING -> "bounded by what they write, not by sync: " + figures;
        };
    }

    private String threadsLine() {
        String gain =
                "%s threads get %s times what one does"
                        .formatted(Units.count(evidence.threads), decimal(evidence.gain));
        return switch (threads) {
            case GAIN -> gain + others();
            case FEW_PROCESSORS ->
                    "bounded by CPU: %s; the JVM has %s"
                            .formatted(gain, processors(evidence.processors));
            case FOREIGN_LOAD -> "bounded by CPU: " + gain + others();
            case HELD_BACK ->
                    "bounded by CPU: %s; they were given %s processors, by a quota or a busy host"
                            .formatted(gain, decimal(evidence.received));
            case SHARED_MEANS ->
                    gain + ", with a processor each: they share cores or memory" + others();
        };
    }

    private static String processors(int count) {
        return Units.count(count) + (count == 1 ? " processor" : " processors");
    }

    /** Foreign load makes all figures worse, also where threads gain. */
    private String others() {
        double foreign = evidence.foreign.orElse(0);
        return foreign < FOREIGN_LOAD
                ? ""
                : "; others used %s processors meanwhile".formatted(decimal(foreign));
    }

    private static String decimal(double number) {
        return String.format(Locale.ROOT, "%.1f", number);
    }
}
