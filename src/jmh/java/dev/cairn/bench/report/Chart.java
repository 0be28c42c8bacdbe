package dev.cairn.bench.report;

import dev.cairn.bench.report.Plot.Cell;
import dev.cairn.bench.report.Plot.Form;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A chart that is drawn from the results of a set.
 *
 * @param name the name of its file, without the ending
 * @param axis what the values are, with their unit
 * @param place where a figure stands in it; empty if it does not
 */
record Chart(
        String name,
        String set,
        String title,
        String axis,
        Form form,
        Scale scale,
        Function<Figure, Optional<Cell>> place) {
    /** The scale of the values' axis. */
    enum Scale {
        LINEAR,
        LOGARITHMIC
    }

    /** A chart without what it shows. */
    record Outline(String name, String set, String title, Form form, Scale scale) {
        Outline logarithmic() {
            return new Outline(name, set, title, form, Scale.LOGARITHMIC);
        }

        Chart of(String axis, Function<Figure, Optional<Cell>> place) {
            return new Chart(name, set, title, axis, form, scale, place);
        }
    }

    /** The plot of these results. Empty if they have nothing for it. */
    Optional<Plot> plot(Results results) {
        List<Cell> cells = Plot.cells(results, place);
        return cells.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Plot(
                                title,
                                axis,
                                form,
                                scale == Scale.LOGARITHMIC,
                                Plot.cases(cells),
                                Plot.series(cells),
                                Machine.caption(results.setting())));
    }
}
