package dev.cairn.codec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A record, encoded as its {@link Header} and its components in the order of their declaration.
 */
final class RecordElement implements Element<Record> {
    private final Class<?> type;
    private List<Component> components = List.of();

    /** For each count, the fingerprint of that many first components. */
    private int[] fingerprints = new int[1];

    /**
     * A handle that takes an input and the position of the header; null until the components are
     * known.
     */
    private @Nullable MethodHandle constructor;

    private boolean comparesByContent;

    /**
     * Creates an element whose components are not known yet, because they may be of this very type.
     */
    RecordElement(Class<?> type) {
        this.type = type;
    }

    /** Completes the element. */
    void define(List<Component> its, MethodHandle constructing) {
        components = its;
        constructor = constructing;
        fingerprints = new int[its.size() + 1];
        CRC32C fingerprint = new CRC32C();
        for (int i = 0; i < its.size(); i++) {
            fingerprint.update(its.get(i).shape().getBytes(UTF_8));
            fingerprints[i + 1] = (int) fingerprint.getValue();
        }
    }

    /**
     * Marks this element as comparing by content if one of its components does; returns whether
     * that is new.
     */
    boolean propagateContent() {
        boolean before = comparesByContent;
        comparesByContent |= components.stream().anyMatch(Component::comparesByContent);
        return comparesByContent != before;
    }

    @Override
    public String shape() {
        return "record";
    }

    @Override
    public int minBytes() {
        return Header.PRESENT;
    }

    @Override
    public void write(Record record, Output out) {
        out.enter();
        int header = out.length();
        out.zeros(Header.PRESENT + Header.presentBytes(components.size()));
        int count = Math.min(1, components.size());
        for (int i = 0; i < components.size(); i++) {
            if (write(components.get(i), record, out)) {
                out.setBit(header + Header.PRESENT, i);
                count = i + 1;
            }
        }
        out.set(header + Header.COUNT, count);
        out.setInt32(header + Header.FINGERPRINT, fingerprints[count]);
        int needed = Header.presentBytes(count);
        out.remove(
                header + Header.PRESENT + needed, Header.presentBytes(components.size()) - needed);
        out.leave();
    }

    private static boolean write(Component component, Record record, Output out) {
        try {
            return component.write(record, out);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    @Override
    public Record read(Input in) {
        in.enter();
        int header = in.index();
        readHeader(in);
        Record record = construct(in, header);
        in.leave();
        return record;
    }

    private void readHeader(Input in) {
        int at = in.index();
        int count = (int) in.bits(1);
        int least = Math.min(1, components.size());
        if (count < least || count > components.size()) {
            throw in.back(at)
                    .malformed(
                            "a count of %d to %d components of %s"
                                    .formatted(least, components.size(), type.getName()),
                            Integer.toString(count));
        }
        at = in.index();
        int fingerprint = in.int32();
        if (fingerprint != fingerprints[count]) {
            throw in.back(at)
                    .malformed(
                            "fingerprint 0x%08X of %s with %s"
                                    .formatted(fingerprints[count], type.getName(), shape(count)),
                            "0x%08X, of a record with other components".formatted(fingerprint));
        }
        readPresent(in, count);
    }

    private static void readPresent(Input in, int count) {
        for (int i = 0; i < count; i += 8) {
            int at = in.index();
            int bits = (int) in.bits(1);
            int inByte = count - i;
            boolean superfluous = inByte < 8 && bits >> inByte != 0;
            boolean lastIsAbsent = inByte <= 8 && count > 1 && (bits >> inByte - 1 & 1) == 0;
            if (superfluous || lastIsAbsent) {
                throw in.back(at)
                        .malformed(
                                "presence bits of %d components, with that of the last one set"
                                        .formatted(count),
                                "0x%02X in byte %d of them".formatted(bits, i / 8));
            }
        }
    }

    private Record construct(Input in, int header) {
        try {
            return (Record) requireNonNull(constructor).invokeExact(in, header);
        } catch (MalformedBytes e) {
            throw e;
        } catch (RuntimeException e) {
            throw in.malformed("components that " + type.getName() + " accepts", e.toString(), e);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private String shape(int count) {
        StringBuilder text = new StringBuilder();
        components.stream().limit(count).map(Component::shape).forEach(text::append);
        return text.toString();
    }

    @Override
    public boolean comparesByContent() {
        return comparesByContent;
    }

    @Override
    public Object identity(Record record) {
        if (!comparesByContent) {
            return record;
        }
        List<@Nullable Object> identities = new ArrayList<>(components.size());
        for (Component component : components) {
            try {
                identities.add(component.identity(record));
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }
        return Collections.unmodifiableList(identities);
    }

    /**
     * Makes an exception of an accessor or a constructor unchecked, because method handles declare
     * any {@link Throwable}.
     */
    private static RuntimeException unchecked(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return thrown instanceof RuntimeException unchecked
                ? unchecked
                : new IllegalStateException(thrown);
    }
}
