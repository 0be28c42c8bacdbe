package dev.cairn.published;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleDescriptor.Requires.Modifier;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import javax.xml.parsers.DocumentBuilderFactory;

/** Guards what the published jars contain, and what they must not contain. */
class PublishedJarsIT {
    private static final String POM = "META-INF/maven/dev.cairn/cairn/pom.xml";
    private static final Pattern TIMESTAMP =
            Pattern.compile("<project.build.outputTimestamp>(.*)Z</project.build.outputTimestamp>");

    static final List<Path> JARS = Jars.ALL;

    @ParameterizedTest
    @FieldSource("JARS")
    void eachHasTheLicence(Path jar) throws IOException {
        assertThat(read(jar, "META-INF/LICENSE")).isEqualTo(Files.readAllBytes(Path.of("LICENSE")));
    }

    /** Otherwise two builds of the same sources would differ. */
    @ParameterizedTest
    @FieldSource("JARS")
    void entriesHaveTheTimeOfThePom(Path jar) throws IOException {
        String time =
                TIMESTAMP
                        .matcher(Files.readString(Path.of("pom.xml")))
                        .results()
                        .map(found -> found.group(1))
                        .collect(Collectors.joining());
        try (JarFile opened = new JarFile(jar.toFile())) {
            assertThat(opened.stream())
                    .isNotEmpty()
                    .allMatch(entry -> entry.getTimeLocal().equals(LocalDateTime.parse(time)));
        }
    }

    /** Otherwise the order in which a file system lists them would show. */
    @ParameterizedTest
    @FieldSource("JARS")
    void entriesAreSorted(Path jar) throws IOException {
        assertThat(Jars.files(jar))
                .filteredOn(name -> !name.startsWith("META-INF/") && !name.startsWith("module-"))
                .isSorted();
    }

    /** They have the feature version of Maven's JVM, which the jar plugin does not leave out. */
    @ParameterizedTest
    @FieldSource("JARS")
    void manifestsDoNotNameWhoBuiltThem(Path jar) throws IOException {
        try (JarFile opened = new JarFile(jar.toFile())) {
            assertThat(opened.getManifest().getMainAttributes().keySet())
                    .extracting(Object::toString)
                    .isSubsetOf(
                            "Manifest-Version",
                            "Build-Jdk-Spec",
                            "Build-Tool-Jdk-Spec",
                            "Implementation-Version",
                            "Main-Class");
        }
    }

    @Test
    void commandLineIsNotInTheLibrary() throws IOException {
        assertThat(Jars.files(Jars.LIBRARY))
                .contains("module-info.class", "dev/cairn/CairnStore.class")
                .noneMatch(name -> name.startsWith("dev/cairn/cli/"));
        assertThat(Jars.files(Jars.COMMAND_LINE))
                .contains("dev/cairn/cli/Main.class", "dev/cairn/cli/demo/Demo.class")
                .allMatch(
                        name -> name.startsWith("dev/cairn/cli/") || name.startsWith("META-INF/"));
    }

    @Test
    void moduleNeedsOneOtherAtRunTime() {
        ModuleDescriptor module =
                ModuleFinder.of(Jars.LIBRARY).find("dev.cairn").orElseThrow().descriptor();
        assertThat(requires(module, false))
                .containsExactlyInAnyOrder("com.dynatrace.hash4j", "java.base");
        assertThat(requires(module, true))
                .containsExactlyInAnyOrder(
                        "com.github.benmanes.caffeine",
                        "jdk.jfr",
                        "kafka.clients",
                        "kafka.streams",
                        "micrometer.core",
                        "org.jspecify");
        assertThat(module.isAutomatic()).isFalse();
        assertThat(module.mainClass()).isEmpty();
    }

    private static Set<String> requires(ModuleDescriptor module, boolean optional) {
        return module.requires().stream()
                .filter(it -> it.modifiers().contains(Modifier.STATIC) == optional)
                .map(Requires::name)
                .collect(Collectors.toSet());
    }

    @Test
    void whoDependsOnItGetsTwoLibraries() throws Exception {
        NodeList dependencies =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new ByteArrayInputStream(read(Jars.LIBRARY, POM)))
                        .getElementsByTagName("dependency");
        Set<String> inherited = new TreeSet<>();
        for (int i = 0; i < dependencies.getLength(); i++) {
            Element dependency = (Element) dependencies.item(i);
            boolean ofTheProject =
                    dependency.getParentNode().getParentNode().getNodeName().equals("project");
            if (ofTheProject
                    && text(dependency, "scope").isEmpty()
                    && text(dependency, "optional").isEmpty()) {
                inherited.add(text(dependency, "artifactId"));
            }
        }
        assertThat(inherited).containsExactly("hash4j", "jspecify");
    }

    private static String text(Element of, String name) {
        NodeList found = of.getElementsByTagName(name);
        return found.getLength() == 0 ? "" : found.item(0).getTextContent();
    }

    @Test
    void eachClassHasItsSource() throws IOException {
        Set<String> sources = new TreeSet<>(Jars.files(Jars.SOURCES));
        assertThat(sources).noneMatch(name -> name.startsWith("dev/cairn/cli/"));
        for (String name : Jars.files(Jars.LIBRARY)) {
            if (name.endsWith(".class")) {
                assertThat(sources).contains(name.replaceFirst("(\\$.*)?\\.class$", ".java"));
            }
        }
    }

    @Test
    void documentationIsOfTheExportedPackages() throws IOException {
        Set<String> packages =
                Jars.files(Jars.DOCUMENTATION).stream()
                        .filter(name -> name.endsWith("/package-summary.html"))
                        .map(name -> name.substring("dev.cairn/".length(), name.lastIndexOf('/')))
                        .map(name -> name.replace('/', '.'))
                        .collect(Collectors.toSet());
        assertThat(packages)
                .containsExactlyInAnyOrder(
                        "dev.cairn", "dev.cairn.codec", "dev.cairn.kafka", "dev.cairn.micrometer");
    }

    private static byte[] read(Path jar, String name) throws IOException {
        try (JarFile opened = new JarFile(jar.toFile());
                InputStream in = opened.getInputStream(opened.getEntry(name))) {
            return in.readAllBytes();
        }
    }
}
