package dev.cairn.cli.bench;

import dev.cairn.units.Units;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** What limits a store on this machine, according to the figures alone. */
record Verdict(Reads reads, Durable durable, Threads threads, Evidence evidence) {
    /** A get waits for a bucket of the index, and then for the record that it names. */
    static final double LOADS_A_GET = 2;

    /** If this part of a get is waiting for the memory, the memory limits reads. */
    static final double WAITING_PART = 0.5;

    /**
     * If a checkpoint takes no longer than this many syncs of one page, syncs limit checkpoints.
     */
    static final double SYNCS_A_CHECKPOINT = 10;

    /** If each further thread adds this part of what one does alone, threads gain. */
    static final double LEAST_GAIN = 0.2;

    /** If threads got less of the processors than this, they were held back. */
    static final double RECEIVED_PART = 0.8;

    /** How many processors others may use without counting as a load. */
    static final double FOREIGN_LOAD = 0.35;

    /**
     * The figures on which the verdict is based.
     *
     * @param getNanos the time of a get by one thread
     * @param inMemory whether the file system is in memory
     * @param checkpoint how long a checkpoint took
     * @param few how many entries had been overwritten before it
     * @param receivedAlone how many processors one thread had
     * @param gain how many times as many gets all threads together did as one thread
     * @param received how many processors all threads together had
     * @param foreign how many processors others had meanwhile
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

    /** What limits a get. If one thread had less than a processor, nothing else can be told. */
    enum Reads {
        HELD_BACK,
        MEMORY,
        PROCESSOR
    }

    /** What limits a checkpoint. */
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

    /** Lines of a subject and a sentence each. */
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
                            "bounded by CPU: one thread got %s of a processor;"
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
                    "make nothing durable here: this file system lies in memory, which"
                            + " a reboot empties";
            case SYNC -> "bounded by disk sync: " + figures;
            case WRITING -> "bounded by what they write, not by sync: " + figures;
        };
    }

    private String threadsLine() {
        String gain =
                "%s threads do %s times the work of one"
                        .formatted(Units.count(evidence.threads), decimal(evidence.gain));
        return switch (threads) {
            case GAIN -> gain + others();
            case FEW_PROCESSORS ->
                    "bounded by CPU: %s; the JVM has %s"
                            .formatted(gain, processors(evidence.processors));
            case FOREIGN_LOAD -> "bounded by CPU: " + gain + others();
            case HELD_BACK ->
                    "bounded by CPU: %s; they got %s processors, because of a quota or a busy host"
                            .formatted(gain, decimal(evidence.received));
            case SHARED_MEANS ->
                    gain + ", with a processor for each; they share cores or memory" + others();
        };
    }

    private static String processors(int count) {
        return Units.count(count) + (count == 1 ? " processor" : " processors");
    }

    /** Says that a foreign load makes all figures worse, even if threads gain. */
    private String others() {
        double foreign = evidence.foreign.orElse(0);
        return foreign < FOREIGN_LOAD
                ? ""
                : "; other processes used %s processors meanwhile".formatted(decimal(foreign));
    }

    private static String decimal(double number) {
        return String.format(Locale.ROOT, "%.1f", number);
    }
}
