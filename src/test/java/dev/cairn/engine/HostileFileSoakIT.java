package dev.cairn.engine;

import org.junit.jupiter.api.Tag;

/** The long form of {@link HostileFileTest}, which tries every way to change each shared word. */
@Tag("soak")
class HostileFileSoakIT extends HostileFileTest {
    @Override
    int oneOf() {
        return 1;
    }
}
