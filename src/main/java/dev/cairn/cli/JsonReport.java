package dev.cairn.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.cairn.OpeningProgress;
import dev.cairn.Recovery;
import dev.cairn.SharedMemoryStore;
import dev.cairn.Stats;
import dev.cairn.Verification;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/** One JSON object on one line, for scripts. A duration {@code x} becomes {@code xNanos}. */
public final class JsonReport {
    private final StringWriter text = new StringWriter();
    private final JsonGenerator json;

    public JsonReport() {
        try {
            json = new JsonFactory().createGenerator(text);
            json.writeStartObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public JsonReport put(String name, Object value) {
        try {
            write(name, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Adds an array of objects, whose fields are put one object after the other. */
    public <T> JsonReport putObjects(
            String name, List<T> each, BiConsumer<JsonReport, T> putFields) {
        try {
            json.writeArrayFieldStart(name);
            for (T one : each) {
                json.writeStartObject();
                putFields.accept(this, one);
                json.writeEndObject();
            }
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    JsonReport putAll(Stats stats) {
        return put("entries", stats.entries())
                .put("liveBytes", stats.liveBytes())
                .put("dataFileBytes", stats.dataFileBytes())
                .put("maxBytes", stats.maxBytes())
                .put("sharedMemoryFileBytes", stats.sharedMemoryFileBytes())
                .put("regionBytes", stats.regionBytes())
                .put("regions", stats.regions())
                .put("freeRegions", stats.freeRegions())
                .put("waitingRegions", stats.waitingRegions())
                .put("garbageBytes", stats.garbageBytes())
                .put("stripes", stats.stripes())
                .put("indexSlots", stats.indexSlots())
                .put("processes", stats.processes())
                .put("epoch", stats.epoch())
                .put("durableEpoch", stats.durableEpoch())
                .put("writes", stats.writes())
                .put("state", stats.state())
                .put("checkpoints", stats.checkpoints())
                .put("checkpointFailures", stats.checkpointFailures())
                .put("checkpointNanos", stats.checkpointNanos())
                .put("longestCheckpointNanos", stats.longestCheckpointNanos())
                .put("checkpointWaits", stats.checkpointWaits())
                .put("overwritesInPlace", stats.overwritesInPlace())
                .put("longestCutNanos", stats.longestCutNanos())
                .put("lockWaits", stats.lockWaits())
                .put("lockWaitNanos", stats.lockWaitNanos())
                .put("longestLockWaitNanos", stats.longestLockWaitNanos())
                .put("takeovers", stats.takeovers())
                .put("naming", stats.naming())
                .put("damagedStripes", stats.damagedStripes())
                .put("clockAheadMillis", stats.clockAheadMillis())
                .put("hits", stats.hits())
                .put("misses", stats.misses())
                .put("loads", stats.loads())
                .put("loadFailures", stats.loadFailures())
                .put("loadNanos", stats.loadNanos())
                .put("refreshes", stats.refreshes())
                .put("evictions", stats.evictions())
                .put("expirations", stats.expirations());
    }

    JsonReport putAll(Recovery recovery) {
        return put("kind", recovery.kind())
                .put("detail", recovery.detail())
                .put("epoch", recovery.epoch())
                .put("entries", recovery.entries())
                .put("bytes", recovery.bytes())
                .put("repaired", recovery.repaired())
                .put("time", recovery.time());
    }

    JsonReport putAll(Verification found) {
        return put("entries", found.entries())
                .put("records", found.records())
                .put("bytes", found.bytes())
                .put("damages", found.damages())
                .put("uncomparedStripes", found.uncomparedStripes());
    }

    /** Adds the figures of a store; what is not known is left out. */
    JsonReport putAll(SharedMemoryStore store) {
        put("name", store.name());
        put("state", store.state());
        put("bytes", store.bytes());
        store.entries().ifPresent(entries -> put("entries", entries));
        store.durability().ifPresent(durability -> put("durability", durability));
        put("processes", store.processes());
        store.owner().ifPresent(owner -> put("owner", owner));
        put("changed", store.changed());
        put("leftovers", store.leftovers());
        store.problem().ifPresent(problem -> put("problem", problem));
        return this;
    }

    JsonReport putAll(OpeningProgress opening) {
        return put("recovering", opening.recovering())
                .put("doneBytes", opening.doneBytes())
                .put("allBytes", opening.allBytes());
    }

    /** The object; nothing can be added afterwards. */
    @Override
    public String toString() {
        try {
            json.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private void write(String name, Object value) throws IOException {
        switch (value) {
            case Duration duration -> json.writeNumberField(name + "Nanos", duration.toNanos());
            case Long number -> json.writeNumberField(name, number);
            case Integer number -> json.writeNumberField(name, number);
            case Double number -> json.writeNumberField(name, number);
            case Boolean truth -> json.writeBooleanField(name, truth);
            case Stats stats -> writeObject(name, () -> putAll(stats));
            case Recovery recovery -> writeObject(name, () -> putAll(recovery));
            case OpeningProgress opening -> writeObject(name, () -> putAll(opening));
            case List<?> list -> {
                json.writeArrayFieldStart(name);
                for (Object element : list) {
                    if (element instanceof Long number) {
                        json.writeNumber(number);
                    } else {
                        json.writeString(element.toString());
                    }
                }
                json.writeEndArray();
            }
            default -> json.writeStringField(name, value.toString());
        }
    }

    private void writeObject(String name, Runnable fields) throws IOException {
        json.writeObjectFieldStart(name);
        fields.run();
        json.writeEndObject();
    }
}
