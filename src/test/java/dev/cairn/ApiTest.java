package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.AccessFlag;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Guards the public surface: docs/api.txt lists, member by member, what programs can write against,
 * so a change of the surface shows in the diff of that file. {@code mvn test -Dtest=ApiTest
 * -Dcairn.api.update=true} writes the file anew.
 */
class ApiTest {
    private static final Path SIGNATURES = Path.of("docs/api.txt");
    static final List<String> EXPORTED =
            List.of("dev.cairn", "dev.cairn.codec", "dev.cairn.kafka", "dev.cairn.micrometer");

    private static final Pattern QUALIFIED =
            Pattern.compile(
                    "\\b(?:dev\\.cairn|java\\.(?:lang|util|time|io|nio\\.file))\\.(?=[A-Z])");

    @Test
    void theSurfaceIsTheOneThatIsWrittenDown() throws IOException, ClassNotFoundException {
        String surface = surface();
        if (Boolean.getBoolean("cairn.api.update")) {
            Files.writeString(SIGNATURES, surface);
        }
        assertThat(surface)
                .as(
                        "the public surface; if the change is meant, tell of it in"
                                + " docs/CHANGELOG.md and run this test with"
                                + " -Dcairn.api.update=true")
                .isEqualTo(Files.readString(SIGNATURES));
    }

    private static String surface() throws IOException, ClassNotFoundException {
        StringBuilder text = new StringBuilder();
        for (String exported : EXPORTED) {
            for (Class<?> type : publicTypes(exported)) {
                text.append(described(type)).append('\n');
                members(type).forEach(member -> text.append("    ").append(member).append('\n'));
                text.append('\n');
            }
        }
        return text.toString();
    }

    static List<Class<?>> publicTypes(String exported) throws IOException, ClassNotFoundException {
        Path classes = Path.of("target/classes", exported.replace('.', File.separatorChar));
        List<Class<?>> types = new ArrayList<>();
        try (Stream<Path> files = Files.list(classes)) {
            for (String file : files.map(path -> path.getFileName().toString()).sorted().toList()) {
                if (!file.endsWith(".class") || file.contains("-info")) {
                    continue;
                }
                Class<?> type =
                        Class.forName(exported + "." + file.substring(0, file.length() - 6));
                if (isPublic(type)) {
                    types.add(type);
                }
            }
        }
        return types;
    }

    private static boolean isPublic(Class<?> type) {
        return Modifier.isPublic(type.getModifiers())
                && !type.isAnonymousClass()
                && (type.getEnclosingClass() == null || isPublic(type.getEnclosingClass()));
    }

    private static String described(Class<?> type) {
        StringBuilder text = new StringBuilder(type.toGenericString());
        if (type.isRecord()) {
            text.append(
                    Arrays.stream(type.getRecordComponents())
                            .map(it -> it.getGenericType().getTypeName() + " " + it.getName())
                            .collect(Collectors.joining(", ", "(", ")")));
        }
        append(text, " extends ", type.getGenericSuperclass());
        append(text, " implements ", type.getGenericInterfaces());
        if (type.isSealed()) {
            append(text, " permits ", type.getPermittedSubclasses());
        }
        return shortened(text.toString());
    }

    private static void append(StringBuilder text, String word, Type... types) {
        String names =
                Arrays.stream(types)
                        .filter(type -> type != null && type != Object.class)
                        .map(Type::getTypeName)
                        .collect(Collectors.joining(", "));
        text.append(names.isEmpty() ? "" : word + names);
    }

    private static Iterable<String> members(Class<?> type) {
        Map<String, String> members = new TreeMap<>();
        for (Field field : type.getDeclaredFields()) {
            note(members, field, field.toGenericString());
        }
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            note(members, constructor, constructor.toGenericString());
        }
        for (Method method : type.getDeclaredMethods()) {
            note(members, method, method.toGenericString());
        }
        return members.values();
    }

    /** The types in the signatures of those members of a type that a caller may use. */
    static Set<Class<?>> seenTypes(Class<?> type) {
        Set<Class<?>> seen = new HashSet<>();
        note(seen, type.getGenericSuperclass());
        note(seen, type.getGenericInterfaces());
        for (Field field : type.getDeclaredFields()) {
            if (isSeen(field)) {
                note(seen, field.getGenericType());
            }
        }
        for (Executable executable : type.getDeclaredMethods()) {
            if (isSeen(executable)) {
                note(seen, ((Method) executable).getGenericReturnType());
                note(seen, executable.getGenericParameterTypes());
                note(seen, executable.getGenericExceptionTypes());
            }
        }
        for (Executable executable : type.getDeclaredConstructors()) {
            if (isSeen(executable)) {
                note(seen, executable.getGenericParameterTypes());
            }
        }
        return seen;
    }

    private static void note(Set<Class<?>> seen, Type... types) {
        for (Type type : types) {
            switch (type) {
                case null -> {}
                case Class<?> raw -> seen.add(elementOf(raw));
                case ParameterizedType generic -> {
                    note(seen, generic.getRawType());
                    note(seen, generic.getActualTypeArguments());
                }
                case GenericArrayType array -> note(seen, array.getGenericComponentType());
                case WildcardType wildcard -> {
                    note(seen, wildcard.getLowerBounds());
                    note(seen, wildcard.getUpperBounds());
                }
                default -> {} // a type variable, whose bounds are the JDK's here
            }
        }
    }

    private static Class<?> elementOf(Class<?> type) {
        return type.isArray() ? elementOf(type.componentType()) : type;
    }

    /** Notes a member, sorted by name and then by parameters. */
    private static void note(Map<String, String> members, Member member, String text) {
        if (isSeen(member)) {
            String owner = member.getDeclaringClass().getTypeName();
            String plain =
                    shortened(text.replace(owner + "." + member.getName(), member.getName()));
            members.put(member.getName() + " " + plain, plain);
        }
    }

    private static boolean isSeen(Member member) {
        int modifiers = member.getModifiers();
        boolean inherited =
                Modifier.isProtected(modifiers)
                        && !Modifier.isFinal(member.getDeclaringClass().getModifiers());
        return (Modifier.isPublic(modifiers) || inherited)
                && !member.isSynthetic()
                && !member.accessFlags().contains(AccessFlag.MANDATED);
    }

    private static String shortened(String text) {
        return QUALIFIED.matcher(text).replaceAll("").replace('$', '.');
    }
}
