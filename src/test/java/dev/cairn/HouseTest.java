package dev.cairn;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.lang.conditions.ArchConditions.haveAnyDependenciesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Modifier;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the house demands of its own code: who may use whom, which seams hold, how long a file is. */
class HouseTest {
    private static final String HOUSE = "dev.cairn";
    private static final String ENTRY = "Cairn";
    private static final Set<String> ENTRIES = Set.of(ENTRY, "MapBuilder", "CacheBuilder");
    private static final String VOCABULARY = "vocabulary";

    /**
     * From top to bottom, packages of {@link #HOUSE} but for two: the entry classes, and the
     * vocabulary, which is every other class directly in {@code dev.cairn}.
     */
    private static final List<String> FLOORS =
            List.of(
                    "cli",
                    ENTRY,
                    "cache",
                    "map",
                    "near",
                    "engine",
                    "checkpoint",
                    "stripe",
                    "index",
                    "log",
                    "shared",
                    "lock",
                    "format",
                    "os",
                    "codec",
                    "units",
                    VOCABULARY);

    private static final List<String> BEHIND_THE_API =
            FLOORS.subList(FLOORS.indexOf("cache"), FLOORS.indexOf("codec"));

    private static final int MAX_LINE_CHARS = 140;
    private static final int MAX_FILE_LINES = 600;

    /* In brackets, so that this file does not find itself. */
    private static final Pattern LEFTOVER = Pattern.compile("\\b(FIXM[E]|TOD[O]|XX[X])\\b");

    private static final JavaClasses MAIN =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages(HOUSE);

    @Test
    void everyPackageHasItsFloor() {
        DescribedPredicate<JavaClass> homeless =
                describe("stand outside of " + FLOORS, type -> !FLOORS.contains(floor(type)));
        check(noClasses().should(ArchCondition.from(homeless)));
    }

    @Test
    void importsPointDown() {
        DescribedPredicate<Dependency> up = describe("point up in " + FLOORS, HouseTest::pointsUp);
        check(noClasses().should(haveAnyDependenciesThat(up)));
    }

    @Test
    void packagesHaveNoCycles() {
        check(slices().matching(HOUSE + ".(*)..").should().beFreeOfCycles());
    }

    @Test
    void commandLineUsesThePublicApiOnly() {
        DescribedPredicate<JavaClass> internal =
                describe("stand on " + BEHIND_THE_API, HouseTest::isBehindTheApi);
        check(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.cli..")
                        .should()
                        .dependOnClassesThat(internal));
    }

    /**
     * So a figure that is added breaks no caller: what only Cairn makes has no constructor that callers
     * could use. Versioned and the changes are for patterns; exceptions are thrown from other packages.
     */
    @Test
    void whatMayGrowIsMadeByCairnOnly() {
        check(
                noClasses()
                        .that()
                        .resideInAPackage(HOUSE)
                        .and()
                        .areNotAssignableTo(Throwable.class)
                        .and(not(equivalentTo(Versioned.class)))
                        .and(not(belongToAnyOf(Change.class)))
                        .and(describe("are seen by callers", HouseTest::isSeenByCallers))
                        .should(
                                ArchCondition.from(
                                        describe(
                                                "have a public constructor",
                                                HouseTest::hasPublicConstructor))));
    }

    @Test
    void varHandlesStayBehindNamedAccessors() {
        check(
                noFields()
                        .that()
                        .haveRawType(VarHandle.class)
                        .should()
                        .beDeclaredInClassesThat()
                        .resideOutsideOfPackages(
                                "dev.cairn.format..", "dev.cairn.lock..", "dev.cairn.os.."));
    }

    @Test
    void operatingSystemIsReachedThroughOneSeam() {
        check(
                noClasses()
                        .that()
                        .resideOutsideOfPackage("dev.cairn.os..")
                        .should()
                        .dependOnClassesThat()
                        .belongToAnyOf(Linker.class, FileChannel.class));
    }

    /** Or the simulated page cache would not hear of a store of bytes that are there already. */
    @Test
    void bytesAreStoredToFilesThroughOneMethod() {
        check(
                noClasses()
                        .that()
                        .resideOutsideOfPackage("dev.cairn.os..")
                        .should()
                        .callMethod(
                                MemorySegment.class,
                                "copy",
                                Object.class,
                                int.class,
                                MemorySegment.class,
                                ValueLayout.class,
                                long.class,
                                int.class));
    }

    /** What a caller sees of the exported packages is theirs, the JDK's or a library's, never internal. */
    @Test
    void nothingInternalIsSeenFromOutside() throws IOException, ClassNotFoundException {
        for (String exported : List.of(HOUSE, HOUSE + ".codec")) {
            for (Class<?> type : ApiTest.publicTypes(exported)) {
                assertThat(ApiTest.seenTypes(type))
                        .as("types that a caller sees of " + type)
                        .filteredOn(seen -> seen.getPackageName().startsWith(HOUSE))
                        .allMatch(seen ->
                                seen.getPackageName().equals(HOUSE)
                                        || seen.getPackageName().equals(HOUSE + ".codec"))
                        .allMatch(seen -> Modifier.isPublic(seen.getModifiers()));
            }
        }
    }

    @Test
    void linesFitTheScreen() {
        assertThat(linesWhere(line -> line.length() > MAX_LINE_CHARS, Path.of("src/main/java")))
                .isEmpty();
    }

    @Test
    void nothingIsLeftForLater() {
        assertThat(linesWhere(LEFTOVER.asPredicate(), Path.of("src"))).isEmpty();
    }

    @Test
    void filesStayReadable() {
        assertThat(sources(Path.of("src")))
                .filteredOn(file -> lines(file).size() > MAX_FILE_LINES)
                .isEmpty();
    }

    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(MAIN);
    }

    private static boolean pointsUp(Dependency use) {
        JavaClass target = use.getTargetClass().getBaseComponentType();
        return isOurs(target)
                && FLOORS.indexOf(floor(target)) < FLOORS.indexOf(floor(use.getOriginClass()));
    }

    private static boolean isBehindTheApi(JavaClass type) {
        return isOurs(type) && BEHIND_THE_API.contains(floor(type));
    }

    private static boolean isSeenByCallers(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.PUBLIC);
    }

    private static boolean hasPublicConstructor(JavaClass type) {
        return type.isRecord()
                || type.getConstructors().stream()
                        .anyMatch(made -> made.getModifiers().contains(JavaModifier.PUBLIC));
    }

    private static boolean isOurs(JavaClass type) {
        return (type.getPackageName() + ".").startsWith(HOUSE + ".");
    }

    private static String floor(JavaClass type) {
        String[] names = type.getName().substring(HOUSE.length() + 1).split("[.$]", 2);
        if (!type.getPackageName().equals(HOUSE)) {
            return names[0];
        }
        return ENTRIES.contains(names[0]) ? ENTRY : VOCABULARY;
    }

    private static List<String> linesWhere(Predicate<String> isBad, Path tree) {
        List<String> found = new ArrayList<>();
        for (Path file : sources(tree)) {
            List<String> lines = lines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (isBad.test(lines.get(i))) {
                    found.add("%s:%d: %s".formatted(file, i + 1, lines.get(i).strip()));
                }
            }
        }
        return found;
    }

    private static List<Path> sources(Path tree) {
        try (Stream<Path> files = Files.walk(tree)) {
            return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
