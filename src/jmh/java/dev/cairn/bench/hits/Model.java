package dev.cairn.bench.hits;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** The hit ratios that a model of Cairn's policy has for the same loads and bounds. */
final class Model {
    private record Place(String load, Sizes sizes, double percent) {}

    private final Map<Place, Double> hitRatios = new HashMap<>();

    /**
     * Reads a file with a line {@code load,sizes,percent,hit ratio} for each. Without a file the
     * model has nothing.
     */
    static Model read(String file) throws IOException {
        Model model = new Model();
        List<String> lines = file.isEmpty() ? List.of() : Files.readAllLines(Path.of(file));
        for (String line : lines) {
            String[] parts = line.split(",", -1);
            if (parts.length != 4) {
                throw new IOException(
                        file + ": a line is load,sizes,percent,hit ratio, not " + line);
            }
            Sizes sizes = Sizes.valueOf(parts[1].toUpperCase(Locale.ROOT));
            model.hitRatios.put(
                    new Place(parts[0], sizes, Double.parseDouble(parts[2])),
                    Double.parseDouble(parts[3]));
        }
        return model;
    }

    boolean isEmpty() {
        return hitRatios.isEmpty();
    }

    OptionalDouble hitRatio(Cell cell) {
        Double ratio = hitRatios.get(new Place(cell.load(), cell.sizes(), cell.percent()));
        return ratio == null ? OptionalDouble.empty() : OptionalDouble.of(ratio);
    }
}
