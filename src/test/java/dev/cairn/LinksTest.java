package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.util.stream.Collectors.toSet;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Guards the links of the documents: they must lead to files that are there, and to headings of
 * these. The canary is a link that leads nowhere.
 */
class LinksTest {
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern CODE = Pattern.compile("(?ms)^```.*?^```");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path document : documents()) {
            broken.addAll(brokenLinks(document, Files.readString(document)));
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void aLinkThatLeadsNowhereIsNoticed() throws IOException {
        String text =
                "[a](format.md#record-recordlayout) [b](gone.md) [c](format.md#gone) [d](#gone)";
        assertThat(brokenLinks(Path.of("docs/other.md"), text))
                .containsExactly(
                        "docs/other.md: gone.md",
                        "docs/other.md: format.md#gone",
                        "docs/other.md: #gone");
    }

    private static List<Path> documents() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("docs"))) {
            return Stream.concat(Stream.of(Path.of("README.md")), files)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    private static List<String> brokenLinks(Path document, String text) throws IOException {
        List<String> broken = new ArrayList<>();
        for (MatchResult link :
                LINK.matcher(CODE.matcher(text).replaceAll("")).results().toList()) {
            String target = link.group(1);
            if (!target.startsWith("https:") && !leads(document, text, target)) {
                broken.add(document + ": " + target);
            }
        }
        return broken;
    }

    private static boolean leads(Path document, String text, String target) throws IOException {
        int hash = target.indexOf('#');
        String name = hash < 0 ? target : target.substring(0, hash);
        Path file = name.isEmpty() ? document : document.resolveSibling(name);
        if (!name.isEmpty() && !Files.exists(file)) {
            return false;
        }
        return hash < 0
                || headings(name.isEmpty() ? text : Files.readString(file))
                        .contains(target.substring(hash + 1));
    }

    /** The names that headings have in links: small letters and digits, with hyphens for spaces. */
    private static Set<String> headings(String text) {
        return HEADING.matcher(CODE.matcher(text).replaceAll(""))
                .results()
                .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
                .map(heading -> heading.replaceAll("[^\\w\\- ]", "").replace(' ', '-'))
                .collect(toSet());
    }
}
