package dev.cairn.codec;

import static java.util.stream.Collectors.toUnmodifiableMap;

import java.util.Arrays;
import java.util.Map;

/** An enum constant, encoded by its name, so that constants may be added before and after it. */
record EnumElement(Class<?> type, Map<String, Enum<?>> constants) implements Element<Enum<?>> {
    static EnumElement of(Class<?> type) {
        return new EnumElement(
                type,
                Arrays.stream(type.getEnumConstants())
                        .map(constant -> (Enum<?>) constant)
                        .collect(toUnmodifiableMap(Enum::name, constant -> constant)));
    }

    @Override
    public String shape() {
        return "enum";
    }

    @Override
    public int minBytes() {
        return Integer.BYTES + 1;
    }

    @Override
    public void write(Enum<?> constant, Output out) {
        Scalar.writeText(constant.name(), out);
    }

    @Override
    public Enum<?> read(Input in) {
        int at = in.index();
        String name = Scalar.readText(in);
        Enum<?> constant = constants.get(name);
        if (constant == null) {
            throw in.back(at).malformed("a constant of " + type.getName(), name);
        }
        return constant;
    }
}
