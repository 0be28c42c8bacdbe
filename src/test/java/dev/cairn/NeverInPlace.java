package dev.cairn;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * For tests that want older records in the log: a key that is put again is never overwritten in
 * place.
 */
public final class NeverInPlace implements BeforeEachCallback, AfterEachCallback {
    @Override
    public void beforeEach(ExtensionContext context) {
        System.setProperty("dev.cairn.in-place", "false");
    }

    @Override
    public void afterEach(ExtensionContext context) {
        System.clearProperty("dev.cairn.in-place");
    }
}
