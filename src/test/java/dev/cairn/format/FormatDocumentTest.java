package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Compares docs/format.md with the layout classes, both ways. Each row must name a constant and
 * state its value, each public constant must have one row, and the rows of an area must leave no
 * gap. The canaries are documents with one row missing, doubled or wrong.
 */
class FormatDocumentTest {
    private static final Path DOCUMENT = Path.of("docs", "format.md");
    private static final Path LAYOUT_CLASSES = Path.of("src/main/java/dev/cairn/format");
    private static final List<String> PACKAGES =
            List.of("format", "log", "checkpoint", "engine", "index", "lock");

    private static final Pattern HEADING = Pattern.compile("#+ .*?(?:: `(\\w+)`)?");
    private static final Pattern NAME = Pattern.compile("`(?:(\\w+)\\.)?([A-Z][A-Z0-9_]*)`");
    private static final String END = "end";
    private static final Set<String> NO_FIELD = Set.of("zero", "unused");

    /** The fields of an encoding that do not get all ones from their record. */
    private static final Set<String> GIVEN =
            Set.of("MAGIC", "CRC", "FORMAT_VERSION", "FEATURES", "DURABILITY", "CACHE_CRC");

    private static final UUID ONES = new UUID(-1, -1);

    /** A row of a table, under the heading of a class. */
    private record Row(int line, String owner, List<String> cells) {
        String cell(int column) {
            return column < cells.size() ? cells.get(column) : "";
        }

        long number(int column) {
            return Long.decode(cell(column));
        }
    }

    private record Table(int line, List<String> columns, List<Row> rows) {
        boolean isArea() {
            return columns.size() > 2
                    && columns.subList(0, 3).equals(List.of("offset", "size", "field"));
        }

        boolean isOfValues() {
            return columns.equals(List.of("constant", "value", "bytes", "meaning"));
        }

        boolean isOfAlignments() {
            return columns.size() > 1
                    && columns.subList(0, 2).equals(List.of("constant", "multiple of"));
        }
    }

    @Test
    void documentAndCodeAgree() {
        assertThat(findings(document())).isEmpty();
    }

    @Test
    void everyLayoutClassHasATable() {
        String document = document();
        assertThat(layoutClasses())
                .hasSizeGreaterThan(10)
                .allSatisfy(type ->
                        assertThat(document).contains(": `" + type.getSimpleName() + "`\n"));
    }

    @Test
    void fieldsTakeTheBytesThatTheirRowsSay() {
        CheckpointSlot.Cut cut = new CheckpointSlot.Cut(-1, -1, -1, -1, -1, -1, -1);
        byte[] slot = new CheckpointSlot(ONES, -1, -1, -1, -1, -1, List.of(cut)).encode(ONES, -1);
        Words.setIntPlain(slot, CheckpointSlot.STRIPES, -1);
        Map<String, byte[]> encodings =
                Map.of(
                        "DataHeader",
                        new DataHeader(
                                        ONES,
                                        ONES,
                                        -1,
                                        -1,
                                        Durability.CHECKPOINT,
                                        true,
                                        new CacheTerms(-1, -1))
                                .encode(),
                        "OpenBlock",
                        new OpenBlock(ONES, ONES).encode(),
                        "CheckpointSlot",
                        slot,
                        "RegionHeader",
                        new RegionHeader(-1, -1, -1, -1, -1, -1).encode(ONES));
        int compared = 0;
        for (Table table : tables(document())) {
            byte[] encoding = encodings.get(table.rows.getFirst().owner);
            if (!table.isArea() || encoding == null) {
                continue;
            }
            boolean cuts = table.rows.getLast().cell(2).equals("`CUT_BYTES`");
            for (Row row : table.rows) {
                if (row.cell(1).equals(END) || GIVEN.contains(field(row))) {
                    continue;
                }
                int at = (int) row.number(0) + (cuts ? CheckpointSlot.CUTS : 0);
                byte[] expected = new byte[(int) row.number(1)];
                Arrays.fill(expected, (byte) (NO_FIELD.contains(row.cell(2)) ? 0 : -1));
                assertThat(Arrays.copyOfRange(encoding, at, at + expected.length))
                        .as("line %d", row.line)
                        .isEqualTo(expected);
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(25);
    }

    @Test
    void wordsOfSharedMemoryAreAligned() {
        for (Row row : rows(document(), Table::isArea)) {
            if (List.of("SharedLayout", "CounterWords", "ProcessWords", "StripeWords", "OwnerWords")
                    .contains(row.owner)) {
                assertThat(row.number(0) % Long.BYTES).as("line %d", row.line).isZero();
            }
        }
    }

    @Test
    void geometryIsAsComputed() {
        List<Row> rows = rows(document(), table -> table.columns.getFirst().equals("stripes"));
        assertThat(rows).hasSize(3);
        for (Row row : rows) {
            int stripes = (int) row.number(0);
            DataHeader header =
                    new DataHeader(
                            ONES,
                            ONES,
                            stripes,
                            (int) row.number(1),
                            Durability.CHECKPOINT,
                            true,
                            CacheTerms.NONE);
            assertThat(
                            List.of(
                                    row.number(2),
                                    row.number(3),
                                    row.number(4),
                                    row.number(5),
                                    row.number(6)))
                    .containsExactly(
                            (long) CheckpointSlot.bytes(stripes),
                            DataHeader.slotAt(0, stripes),
                            DataHeader.slotAt(1, stripes),
                            header.regionAt(0),
                            header.regionAt(1));
        }
    }

    @Test
    void recordsAreAsLongAsTheExamplesSay() {
        List<Row> rows = rows(document(), table -> table.columns.contains("record bytes"));
        assertThat(rows).hasSizeGreaterThan(5);
        for (Row row : rows) {
            assertThat(RecordLayout.bytes((int) row.number(0), row.number(1), row.number(2)))
                    .as("line %d", row.line)
                    .isEqualTo(row.number(3));
        }
    }

    @Test
    void exampleIsAStore(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("example");
        byte[] bytes = new byte[81920];
        for (String line : fenced(document(), "hexdump").lines().toList()) {
            byte[] sixteen = hex(line.substring(8));
            System.arraycopy(sixteen, 0, bytes, Integer.parseInt(line.substring(0, 8), 16), 16);
        }
        Files.write(file, bytes);
        try (CairnStore store = Cairn.open(file, Options.defaults().withReadOnly(true))) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.SNAPSHOT);
            assertThat(store.size()).isEqualTo(1);
            assertThat(store.get("k".getBytes(US_ASCII))).isEqualTo("v".getBytes(US_ASCII));
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void exampleHasItsChecksum() {
        byte[] input =
                hex(
                        fenced(document(), "checksum 0xC2BE6E86")
                                .lines()
                                .map(line -> line.replaceFirst("   .*", ""))
                                .collect(Collectors.joining()));
        assertThat(input).hasSize(RecordLayout.IDENTITY_BYTES + RecordLayout.MIN_BYTES);
        assertThat(Checksum.of(input, 0, input.length)).isEqualTo(0xC2BE6E86);
        byte[] identity = new byte[RecordLayout.IDENTITY_BYTES];
        RecordLayout.identity(identity, Checksum.idAt(input, 0), 0, 2, 0x4040);
        assertThat(Arrays.copyOf(input, identity.length)).isEqualTo(identity);
    }

    @Test
    void canaryMissingRowIsFound() {
        String document = document();
        for (Row row : guarded(document)) {
            assertThat(findings(edited(document, row, _ -> "")))
                    .as("findings without line %d: %s", row.line, row.cells)
                    .isNotEmpty();
        }
    }

    @Test
    void canarySuperfluousRowIsFound() {
        String document = document();
        for (Row row : guarded(document)) {
            assertThat(findings(edited(document, row, line -> line + "\n" + line)))
                    .as("findings with line %d twice: %s", row.line, row.cells)
                    .isNotEmpty();
        }
        assertThat(
                        findings(
                                document.replace(
                                        "| `UNIT_SHIFT` | 4 |",
                                        "| `UNIT_SHIFT` | 4 | | |\n| `UNIT_LOG` | 4 |")))
                .isNotEmpty();
    }

    @Test
    void canaryWrongNumberIsFound() {
        String document = document();
        for (Row row : guarded(document)) {
            boolean ofArea = row.cells.size() > 4;
            for (int column = ofArea ? 0 : 1; column < 2; column++) {
                List<String> cells = new ArrayList<>(row.cells);
                String right = row.cell(column);
                cells.set(column, right.equals(END) ? "8" : "" + (row.number(column) + 1));
                String wrong = "| " + String.join(" | ", cells) + " |";
                assertThat(findings(edited(document, row, _ -> wrong)))
                        .as("line %d: %s", row.line, wrong)
                        .isNotEmpty();
            }
        }
    }

    @Test
    void canaryWrongBytesOfAMagicAreFound() {
        assertThat(findings(document().replace("52 45 47 4E", "4E 47 45 52"))).hasSize(1);
    }

    @Test
    void canaryWrongAlignmentIsFound() {
        assertThat(
                        findings(
                                document()
                                        .replace(
                                                "`CheckpointSlot.CUTS` | 64",
                                                "`CheckpointSlot.CUTS` | 256")))
                .hasSize(1);
    }

    /** The rows whose loss must be noticed. */
    private static List<Row> guarded(String document) {
        Set<String> required =
                layoutClasses().stream()
                        .flatMap(type -> constants(type).map(field -> name(type, field)))
                        .collect(Collectors.toSet());
        List<Row> rows =
                rows(document, table -> table.isArea() || table.isOfValues()).stream()
                        .filter(row ->
                                NO_FIELD.contains(row.cell(2))
                                        || row.cell(1).equals(END)
                                        || required.contains(name(row)))
                        .toList();
        assertThat(rows).hasSizeGreaterThan(150);
        return rows;
    }

    /** What in a document differs from the code. */
    private static List<String> findings(String document) {
        List<String> findings = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (Table table : tables(document)) {
            if (table.isArea()) {
                checkArea(table, findings);
            }
            for (Row row : table.rows) {
                if (table.isArea() && !NO_FIELD.contains(row.cell(2))
                        || table.isOfValues()
                        || table.isOfAlignments()) {
                    check(table, row, seen, findings);
                }
            }
        }
        for (Class<?> type : layoutClasses()) {
            constants(type)
                    .map(field -> name(type, field))
                    .filter(name -> !seen.contains(name))
                    .forEach(name -> findings.add(name + " has no row"));
        }
        return findings;
    }

    private static void check(Table table, Row row, Set<String> seen, List<String> findings) {
        String name = name(row);
        Field field = field(name);
        if (field == null) {
            findings.add("line %d: %s is no constant".formatted(row.line, name));
            return;
        }
        long actual = value(field);
        if (table.isOfAlignments()) {
            if (actual % row.number(1) != 0) {
                findings.add("line %d: %s is %d".formatted(row.line, name, actual));
            }
            return;
        }
        if (row.number(table.isArea() ? 0 : 1) != actual) {
            findings.add("line %d: %s is %d".formatted(row.line, name, actual));
        }
        boolean ofAnother = !name.startsWith(row.owner + ".");
        if (!ofAnother && !seen.add(name)) {
            findings.add("line %d: %s stands there twice".formatted(row.line, name));
        }
        String bytes = table.isOfValues() ? row.cell(2) : "";
        if (!bytes.isEmpty() && !bytes.equals(asBytes(field, actual))) {
            findings.add(
                    "line %d: %s lies as %s".formatted(row.line, name, asBytes(field, actual)));
        }
    }

    /** Requires that the rows of an area follow one another from 0 to its end. */
    private static void checkArea(Table table, List<String> findings) {
        long next = 0;
        boolean ended = false;
        for (Row row : table.rows) {
            if (ended || row.number(0) != next) {
                findings.add("line %d: expected offset %d".formatted(row.line, next));
            }
            ended = row.cell(1).equals(END);
            next = row.number(0) + (ended ? 0 : row.number(1));
        }
        if (!ended) {
            findings.add("line %d: the area has no end".formatted(table.line));
        }
    }

    private static String asBytes(Field field, long value) {
        int bytes = field.getType() == int.class ? Integer.BYTES : Long.BYTES;
        byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
        return HexFormat.ofDelimiter(" ").withUpperCase().formatHex(all, 0, bytes);
    }

    /** The constant that a row names, with its class. */
    private static String name(Row row) {
        String cell =
                row.cells.stream()
                        .filter(any -> NAME.matcher(any).matches())
                        .findFirst()
                        .orElse("");
        Matcher name = NAME.matcher(cell);
        if (!name.matches()) {
            return "a row without a name";
        }
        return (name.group(1) == null ? row.owner : name.group(1)) + "." + name.group(2);
    }

    private static String field(Row row) {
        return name(row).replaceFirst(".*\\.", "");
    }

    private static String name(Class<?> type, Field field) {
        return type.getSimpleName() + "." + field.getName();
    }

    private static Field field(String name) {
        String[] parts = name.split("\\.", 2);
        for (String part : PACKAGES) {
            try {
                Field field =
                        Class.forName("dev.cairn." + part + "." + parts[0])
                                .getDeclaredField(parts[1]);
                return isNumber(field) ? field : null;
            } catch (ClassNotFoundException _) {
                // It may be in the next package.
            } catch (NoSuchFieldException _) {
                return null;
            }
        }
        return null;
    }

    private static long value(Field field) {
        try {
            field.setAccessible(true);
            return ((Number) field.get(null)).longValue();
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isNumber(Field field) {
        int modifiers = field.getModifiers();
        return Modifier.isStatic(modifiers)
                && Modifier.isFinal(modifiers)
                && (field.getType() == int.class || field.getType() == long.class);
    }

    private static Stream<Field> constants(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> Modifier.isPublic(field.getModifiers()) && isNumber(field));
    }

    /** Every class of the package that has public constants, even one that was just added. */
    private static List<Class<?>> layoutClasses() {
        try (Stream<Path> files = Files.list(LAYOUT_CLASSES)) {
            List<Class<?>> classes = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString().replace(".java", "");
                if (!name.equals("package-info")) {
                    Class<?> type = Class.forName("dev.cairn.format." + name);
                    if (constants(type).findAny().isPresent()) {
                        classes.add(type);
                    }
                }
            }
            return classes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Row> rows(String document, Predicate<Table> which) {
        return tables(document).stream()
                .filter(which)
                .flatMap(table -> table.rows.stream())
                .toList();
    }

    private static List<Table> tables(String document) {
        List<Table> tables = new ArrayList<>();
        String owner = "";
        Table current = null;
        String[] lines = document.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            Matcher heading = HEADING.matcher(lines[i]);
            if (heading.matches()) {
                owner = heading.group(1) == null ? "" : heading.group(1);
            }
            if (!lines[i].startsWith("|")) {
                current = null;
                continue;
            }
            List<String> cells =
                    Arrays.stream(lines[i].substring(1).split("\\|", -1))
                            .map(String::strip)
                            .toList();
            cells = cells.subList(0, cells.size() - 1);
            if (current == null) {
                current = new Table(i + 1, cells, new ArrayList<>());
                tables.add(current);
            } else if (!cells.getFirst().startsWith("---")) {
                current.rows.add(new Row(i + 1, owner, cells));
            }
        }
        return tables;
    }

    private static String edited(String document, Row row, UnaryOperator<String> edit) {
        List<String> lines = new ArrayList<>(Arrays.asList(document.split("\n", -1)));
        String line = lines.remove(row.line - 1);
        String instead = edit.apply(line);
        assertThat(instead).isNotEqualTo(line);
        if (!instead.isEmpty()) {
            lines.add(row.line - 1, instead);
        }
        return String.join("\n", lines);
    }

    private static String fenced(String document, String language) {
        String fence = "```" + language + "\n";
        int from = document.indexOf(fence) + fence.length();
        assertThat(from).isGreaterThan(fence.length());
        return document.substring(from, document.indexOf("```", from));
    }

    private static byte[] hex(String spaced) {
        return HexFormat.of().parseHex(spaced.replace(" ", "").toLowerCase(Locale.ROOT));
    }

    private static String document() {
        try {
            return Files.readString(DOCUMENT, UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
