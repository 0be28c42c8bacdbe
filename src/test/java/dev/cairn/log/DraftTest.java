package dev.cairn.log;

import static dev.cairn.format.RecordLayout.EXPIRES;
import static dev.cairn.format.RecordLayout.KEY_IN_RUN;
import static dev.cairn.format.RecordLayout.VALUE_IN_RUN;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DraftTest {
    private static final int REGION_BYTES = 4096;

    /** Of the 4,032 bytes behind a region's header, a record may take all, and a key a quarter. */
    @ParameterizedTest(name = "key of {0} bytes, value of {1}, expires at {2}")
    @CsvSource({
        "1008, 0, 0, 0",
        "1009, 0, 0, " + KEY_IN_RUN,
        "8, 4000, 0, 0",
        "8, 4001, 0, " + VALUE_IN_RUN,
        "8, 3992, 77, " + EXPIRES,
        "8, 3993, 77, " + (EXPIRES | VALUE_IN_RUN),
        "1009, 3984, 0, " + KEY_IN_RUN,
        "1009, 3985, 0, " + (KEY_IN_RUN | VALUE_IN_RUN)
    })
    void whatDoesNotFitGoesToARun(int keyBytes, int valueBytes, long expires, int flags) {
        Draft draft = Draft.of(new byte[keyBytes], new byte[valueBytes], expires, REGION_BYTES);
        assertThat(draft.flags()).isEqualTo(flags);
        assertThat(draft.bytes()).isLessThanOrEqualTo(4_032);
    }
}
