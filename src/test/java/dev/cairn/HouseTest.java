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
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Guards the rules that Cairn has for its own code: who may use whom, which seams hold, how long a
 * file is. The canary of the check of labels is each label, lost or defined twice.
 */
class HouseTest {
    private static final String HOUSE = "dev.cairn";
    private static final String ENTRY = "Cairn";
    private static final Set<String> ENTRIES = Set.of(ENTRY, "MapBuilder", "CacheBuilder");
    private static final String VOCABULARY = "vocabulary";

    /**
     * The packages of {@link #HOUSE} from top to bottom, except two: the entry classes, and the
     * vocabulary, which is every other class directly in {@code dev.cairn}.
     */
    private static final List<String> FLOORS =
            List.of(
                    "cli",
                    "kafka",
                    "micrometer",
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
                    "events",
                    "codec",
                    "units",
                    VOCABULARY);

    private static final List<String> BEHIND_THE_API =
            FLOORS.subList(FLOORS.indexOf("cache"), FLOORS.indexOf("codec"));

    private static final int MAX_LINE_CHARS = 120;
    private static final int MAX_PROSE_CHARS = 100;

    /** The parts of a document that cannot be wrapped: code, tables and pictures. */
    private static final Pattern UNWRAPPED =
            Pattern.compile("(?ms)^```.*?^```|^(?: {4}|\\||!\\[)[^\n]*$");

    private static final int MAX_FILE_LINES = 600;

    /* The brackets prevent that this file finds itself. */
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
    void whoComesFromOutsideUsesThePublicApiOnly() {
        DescribedPredicate<JavaClass> internal =
                describe("stand on " + BEHIND_THE_API, HouseTest::isBehindTheApi);
        check(
                noClasses()
                        .that()
                        .resideInAnyPackage(
                                "dev.cairn.cli..", "dev.cairn.kafka..", "dev.cairn.micrometer..")
                        .should()
                        .dependOnClassesThat(internal));
    }

    /** A library that few programs have must be known only to the package that needs it. */
    @Test
    void optionalLibrariesAreKnownToTheirOwnPackagesOnly() {
        Map<String, List<String>> libraries =
                Map.of(
                        "dev.cairn.kafka..", List.of("org.apache.kafka.."),
                        "dev.cairn.micrometer..", List.of("io.micrometer.."),
                        "dev.cairn.events..", List.of("jdk.jfr.."),
                        "dev.cairn.cli..",
                                List.of(
                                        "picocli..",
                                        "com.fasterxml..",
                                        "me.tongfei..",
                                        "org.HdrHistogram.."));
        libraries.forEach((home, packages) ->
                check(
                        noClasses()
                                .that()
                                .resideOutsideOfPackage(home)
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(packages.toArray(String[]::new))));
    }

    /** Otherwise a program without a near cache would need Caffeine. */
    @Test
    void caffeineIsKnownWhereNearCachesAreOnly() {
        check(
                noClasses()
                        .that()
                        .resideOutsideOfPackages("dev.cairn.near..", "dev.cairn.micrometer..")
                        .and(not(belongToAnyOf(MapBuilder.class, CacheBuilder.class)))
                        .and(not(equivalentTo(NearCacheStats.class)))
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("com.github.benmanes.."));
    }

    /**
     * A type that only Cairn makes must have no constructor that callers could use. Then a new
     * figure breaks no caller. Versioned and the changes are for patterns, and exceptions are
     * thrown from other packages.
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

    /**
     * Otherwise the simulated page cache would not hear of a store of bytes that are there already.
     */
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

    /**
     * What a caller sees of the exported packages must belong to them, the JDK or a library, and
     * never be internal.
     */
    @Test
    void nothingInternalIsSeenFromOutside() throws IOException, ClassNotFoundException {
        for (String exported : ApiTest.EXPORTED) {
            for (Class<?> type : ApiTest.publicTypes(exported)) {
                assertThat(ApiTest.seenTypes(type))
                        .as("types that a caller sees of " + type)
                        .filteredOn(seen -> seen.getPackageName().startsWith(HOUSE))
                        .allMatch(seen -> ApiTest.EXPORTED.contains(seen.getPackageName()))
                        .allMatch(seen -> Modifier.isPublic(seen.getModifiers()));
            }
        }
    }

    @Test
    void linesFitTheScreen() {
        assertThat(linesWhere(line -> line.length() > MAX_LINE_CHARS, Path.of("src/main/java")))
                .isEmpty();
    }

    /**
     * Whoever meets the number of a rule in the code or in a document must find the rule in the
     * design.
     */
    @Test
    void eachRuleThatIsCitedIsWrittenDown() throws IOException {
        String design = Files.readString(Path.of("docs/design.md"));
        Pattern written = Pattern.compile("\\*\\*RULE (\\d+)\\b");
        List<String> rules = written.matcher(design).results().map(rule -> rule.group(1)).toList();
        assertThat(rules).doesNotHaveDuplicates();
        Pattern cited = Pattern.compile("\\bRULES? (\\d+(?:(?:,| and| to|, and) \\d+)*)");
        for (Path root : List.of(Path.of("src"), Path.of("docs"), Path.of("README.md"))) {
            for (Path file : filesUnder(root, "java|md|py")) {
                cited.matcher(Files.readString(file))
                        .results()
                        .flatMap(rule -> Pattern.compile("\\d+").matcher(rule.group(1)).results())
                        .forEach(number ->
                                assertThat(rules)
                                        .as("rules, of which %s cites one", file)
                                        .contains(number.group()));
            }
        }
    }

    /** Whoever meets W5 or INVARIANT 3 must find one row of one table that says what it is. */
    @Test
    void eachLabelIsDefinedOnce() throws IOException {
        Map<Path, String> documents = texts("docs", "md");
        Labels labels = new Labels(texts("src", "java"));
        assertThat(labels.faults(documents)).isEmpty();
        assertThat(labels.defined(documents)).hasSizeGreaterThan(100);
    }

    /**
     * The check of the labels must notice each definition that is lost, and each second meaning.
     */
    @Test
    void aLabelWithoutOneDefinitionIsNoticed() throws IOException {
        Map<Path, String> documents = texts("docs", "md");
        Labels labels = new Labels(texts("src", "java"));
        Set<String> uncited = new TreeSet<>();
        for (String label : labels.defined(documents)) {
            Map<Path, String> less = new TreeMap<>(documents);
            less.replaceAll((_, text) -> labels.without(label, text));
            if (labels.faults(less).stream()
                    .noneMatch(fault -> fault.endsWith(": " + label + " is defined nowhere"))) {
                uncited.add(label);
            }
            Map<Path, String> more = new TreeMap<>(documents);
            String again = "| step | store |\n|---|---|\n| " + label + " | something else |\n";
            more.put(Path.of("docs/other.md"), again);
            assertThat(labels.faults(more))
                    .as("faults where %s is defined twice", label)
                    .anyMatch(fault -> fault.startsWith(label + " is defined "));
        }
        assertThat(uncited)
                .as("labels that nobody cites, so that nobody notices their loss")
                .allMatch(label -> label.matches("(ASSUMPTION|INVARIANT) .*"))
                .doesNotContain("ASSUMPTION 3", "INVARIANT 1", "INVARIANT 10");
    }

    private static Map<Path, String> texts(String root, String endings) throws IOException {
        Map<Path, String> texts = new TreeMap<>();
        for (Path file : filesUnder(Path.of(root), endings)) {
            texts.put(file, Files.readString(file));
        }
        return texts;
    }

    private static List<Path> filesUnder(Path root, String endings) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            Pattern wanted = Pattern.compile(".*\\.(?:" + endings + ")");
            return files.filter(file -> wanted.matcher(file.toString()).matches()).toList();
        }
    }

    @Test
    void linesOfDocumentsStayReadable() throws IOException {
        List<String> documents = new ArrayList<>(texts("docs", "md").values());
        documents.add(Files.readString(Path.of("README.md")));
        for (String document : documents) {
            assertThat(UNWRAPPED.matcher(document).replaceAll("").lines())
                    .filteredOn(line -> line.length() > MAX_PROSE_CHARS)
                    .isEmpty();
        }
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
