package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.StoreClosed;
import dev.cairn.os.Faults;

/** Translates errors of the machine into exceptions for a caller. */
final class ErrorTranslation {
    private ErrorTranslation() {}

    /**
     * The exception that explains an error of the machine; the error itself if nothing explains it.
     */
    static RuntimeException of(Throwable e, Engine engine) {
        if (engine.closed()) {
            StoreClosed storeClosed = new StoreClosed(engine.files().data());
            storeClosed.addSuppressed(e);
            return storeClosed;
        }
        return ofClosing(e, engine);
    }

    /** The exception that explains an error which came while the store was being closed. */
    static RuntimeException ofClosing(Throwable e, Engine engine) {
        if (!Faults.isOfMapping(e) && e instanceof RuntimeException ours) {
            // about an argument, or a mistake in Cairn: nothing is wrong with the files
            return ours;
        }
        CorruptStore corrupt =
                new CorruptStore(
                        engine.files().data(),
                        -1,
                        "bytes within the files, on pages that can be read",
                        e + "; was a file truncated?");
        corrupt.addSuppressed(e);
        return corrupt;
    }
}
