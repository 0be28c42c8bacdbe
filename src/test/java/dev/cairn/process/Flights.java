package dev.cairn.process;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The flight recorder of a child JVM. It is a class of its own because some children have none. */
final class Flights {
    private static final Recording RECORDING = new Recording();

    private Flights() {}

    /** Starts a recording with the settings that events have by themselves. */
    static String begin() {
        RECORDING.start();
        return "recorded";
    }

    /** How many events of checkpoints the recording has so far. */
    static long checkpoints() throws IOException {
        Path dump = Files.createTempFile("flight", ".jfr");
        try {
            RECORDING.dump(dump);
            return RecordingFile.readAllEvents(dump).stream()
                    .filter(event -> event.getEventType().getName().equals("dev.cairn.Checkpoint"))
                    .count();
        } finally {
            Files.delete(dump);
        }
    }
}
