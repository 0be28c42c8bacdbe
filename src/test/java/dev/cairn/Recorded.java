package dev.cairn;

import dev.cairn.events.Events;

import jdk.jfr.EventSettings;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * While it is open, it records all events of Cairn in this JVM, however short and frequent they
 * are.
 */
public final class Recorded implements AutoCloseable {
    public static final List<String> NAMES =
            List.of("Checkpoint", "LockWait", "Takeover", "Grow", "Clean", "Recovery");

    private final Recording recording = new Recording();
    private final Path directory;
    private int dumps;

    /** @param directory where to put the recording */
    public Recorded(Path directory) {
        this.directory = directory;
        for (String name : NAMES) {
            EventSettings settings = recording.enable(name(name)).withoutThreshold();
            if (name.equals("Clean")) {
                EventSettings _ = settings.with("throttle", "off");
            }
        }
        recording.start();
        if (!Events.load()) {
            throw new AssertionError("the flight recorder is in use, and no event class is loaded");
        }
    }

    private static String name(String of) {
        return "dev.cairn." + of;
    }

    /** All events so far, in the order of their ends. */
    public List<RecordedEvent> all() {
        try {
            Path dump = directory.resolve("events" + dumps++ + ".jfr");
            recording.dump(dump);
            List<RecordedEvent> events =
                    RecordingFile.readAllEvents(dump).stream()
                            .filter(each -> each.getEventType().getName().startsWith(name("")))
                            .sorted(Comparator.comparing(RecordedEvent::getEndTime))
                            .toList();
            Files.delete(dump);
            return events;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** All events of that name so far. */
    public List<RecordedEvent> all(String name) {
        return all().stream()
                .filter(each -> each.getEventType().getName().equals(name(name)))
                .toList();
    }

    /** The only event of that name. */
    public RecordedEvent only(String name) {
        List<RecordedEvent> found = all(name);
        if (found.size() != 1) {
            throw new AssertionError(found.size() + " events of " + name + ": " + found);
        }
        return found.getFirst();
    }

    @Override
    public void close() {
        recording.close();
    }
}
