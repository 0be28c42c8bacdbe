package dev.cairn.codec;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds out how to write and read a record type and the types of its components. */
final class RecordTypes {
    /**
     * The greatest number of components. A double takes two of the 255 argument slots of a method
     * handle.
     */
    private static final int MAX_COMPONENTS = 100;

    private final MethodHandles.@Nullable Lookup lookup;
    private final Map<Class<?>, Codec<?>> others;
    private final Map<Class<?>, RecordElement> records = new HashMap<>();

    /**
     * @param lookup the lookup of the user; null to use the lookup of this class
     *
     * @param others the user's codecs, by the type of the components
     */
    RecordTypes(MethodHandles.@Nullable Lookup lookup, Map<Class<?>, Codec<?>> others) {
        this.lookup = lookup;
        this.others = Map.copyOf(others);
        for (Class<?> type : others.keySet()) {
            if (type.isPrimitive()) {
                throw new IllegalArgumentException(
                        "a codec cannot be given for the primitive type " + type);
            }
        }
    }

    /** The complete element of the record class. */
    RecordElement of(Class<?> type) {
        if (!type.isRecord()) {
            throw new IllegalArgumentException(type.getName() + " is not a record class");
        }
        RecordElement element = record(type);
        boolean changed;
        do {
            changed = false;
            for (RecordElement each : records.values()) {
                changed |= each.propagateContent();
            }
        } while (changed);
        return element;
    }

    private RecordElement record(Class<?> type) {
        RecordElement known = records.get(type);
        if (known != null) {
            return known;
        }
        RecordElement element = new RecordElement(type);
        records.put(type, element);
        RecordComponent[] declared = type.getRecordComponents();
        if (declared.length > MAX_COMPONENTS) {
            throw new IllegalArgumentException(
                    "%s has more than %d components".formatted(type.getName(), MAX_COMPONENTS));
        }
        try {
            MethodHandles.Lookup inside = inside(type);
            List<Component> components = new ArrayList<>(declared.length);
            for (RecordComponent each : declared) {
                components.add(component(each, inside));
            }
            element.define(components, constructor(type, declared, components, inside));
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(unreachable(type), e);
        }
        return element;
    }

    /**
     * A lookup that may call the constructor; the lookup itself if it has no more rights than
     * others.
     */
    private MethodHandles.Lookup inside(Class<?> type) {
        if (lookup == null) {
            RecordTypes.class.getModule().addReads(type.getModule());
        }
        MethodHandles.Lookup outside = lookup == null ? MethodHandles.lookup() : lookup;
        try {
            return MethodHandles.privateLookupIn(type, outside);
        } catch (IllegalAccessException e) {
            return outside;
        }
    }

    private static String unreachable(Class<?> type) {
        String ours = RecordTypes.class.getModule().getName();
        return ("%s is not accessible: its module %s must declare 'opens %s%s', or a"
                        + " Lookup must be given")
                .formatted(
                        type.getName(),
                        type.getModule().getName(),
                        type.getPackageName(),
                        ours == null ? "" : " to " + ours);
    }

    private Component component(RecordComponent declared, MethodHandles.Lookup inside)
            throws IllegalAccessException {
        Class<?> type = declared.getType();
        String name = declared.getName();
        MethodHandle getter = inside.unreflect(declared.getAccessor());
        if (type.isPrimitive()) {
            Primitive primitive = Primitive.of(type);
            return new Component.OfPrimitive(
                    name,
                    primitive,
                    primitive
                            .returningBits(getter)
                            .asType(MethodType.methodType(long.class, Record.class)));
        }
        Element<?> element = element(declared.getGenericType());
        if (element == null) {
            throw new IllegalArgumentException(
                    "component %s of %s: there is no codec for %s; give one"
                            .formatted(
                                    name,
                                    declared.getDeclaringRecord().getName(),
                                    declared.getGenericType().getTypeName()));
        }
        return new Component.OfReference(
                name,
                type,
                ofObjects(element),
                getter.asType(MethodType.methodType(Object.class, Record.class)));
    }

    /** The element of a type, or null if there is none. */
    private @Nullable Element<?> element(Type type) {
        if (type instanceof ParameterizedType of) {
            Class<?> raw = (Class<?>) of.getRawType();
            if (raw == List.class && !others.containsKey(raw)) {
                Element<?> each = element(of.getActualTypeArguments()[0]);
                return each == null ? null : new ListElement<>(each);
            }
            return element(raw);
        }
        if (!(type instanceof Class<?> simple)) {
            return null;
        }
        Codec<?> other = others.get(simple);
        if (other != null) {
            return new OtherElement<>(other);
        }
        if (simple.isEnum()) {
            return EnumElement.of(simple);
        }
        if (simple.isRecord()) {
            return record(simple);
        }
        return Scalar.of(simple);
    }

    @SuppressWarnings("unchecked")
    private static Element<Object> ofObjects(Element<?> element) {
        return (Element<Object>) element;
    }

    /**
     * The constructor, with a reader in place of each parameter, from the first to the last. It
     * takes the input and the position of the header. No component passes through an array or a
     * box.
     */
    private static MethodHandle constructor(
            Class<?> type,
            RecordComponent[] declared,
            List<Component> components,
            MethodHandles.Lookup inside)
            throws ReflectiveOperationException {
        Class<?>[] types =
                Arrays.stream(declared).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Constructor<?> canonical = type.getDeclaredConstructor(types);
        MethodHandle handle = inside.unreflectConstructor(canonical).asFixedArity();
        handle = MethodHandles.dropArguments(handle, types.length, Input.class, int.class);
        for (int i = types.length - 1; i >= 0; i--) {
            handle = MethodHandles.collectArguments(handle, i, components.get(i).reader(i));
            MethodType merged = handle.type().dropParameterTypes(i, i + 2);
            int[] order = new int[i + 4];
            for (int parameter = 0; parameter < order.length; parameter++) {
                order[parameter] = parameter < i + 2 ? parameter : parameter - 2;
            }
            handle = MethodHandles.permuteArguments(handle, merged, order);
        }
        return handle.asType(MethodType.methodType(Record.class, Input.class, int.class));
    }
}
