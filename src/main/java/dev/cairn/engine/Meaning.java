package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.StoreClosed;
import dev.cairn.os.Faults;

/** What errors of the machine mean to a caller. */
final class Meaning {
    private Meaning() {}

    /** The cause behind an error of the machine; the error itself if there is none. */
    static RuntimeException of(Throwable e, Engine engine) {
        if (engine.closed()) {
            StoreClosed storeClosed = new StoreClosed(engine.files().data());
            storeClosed.addSuppressed(e);
            return storeClosed;
        }
        if (!Faults.isOfMapping(e) && e instanceof RuntimeException ours) {
            return ours; // of an argument, or a mistake here: nothing is wrong with the files
        }
        CorruptStore corrupt =
                new CorruptStore(
                        engine.files().data(),
                        -1,
                        "places within the files and pages that are there",
                        e + "; was a file cut off?");
        corrupt.addSuppressed(e);
        return corrupt;
    }
}
