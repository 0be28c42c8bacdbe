package dev.cairn.bench.report;

import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;

import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;

/** Draws plots as SVG, on white. Letters are drawn as outlines, which look the same everywhere. */
final class Painter {
    private static final int WIDTH = 960;
    private static final int HEIGHT = 480;
    private static final int CAPTION_HEIGHT = 26;
    private static final Pattern DOCUMENT_TYPE = Pattern.compile("<!DOCTYPE[^>]*>\\s*");
    private static final Pattern NEEDLESS_DIGITS = Pattern.compile("(\\.[0-9]{2})[0-9]+");
    private static final int MOST_LETTERS_OF_LEGEND = 80; // in one line
    private static final int MOST_LEVEL_LABELS = 8;
    private static final Color TEXT = new Color(0x222222);
    private static final Color GRID = new Color(0xDDDDDD);

    private Painter() {}

    static String svg(Plot plot) throws IOException {
        VectorGraphics2D page = new VectorGraphics2D();
        page.setColor(Color.WHITE);
        page.fillRect(0, 0, WIDTH, HEIGHT + CAPTION_HEIGHT);
        chart(plot).paint(page, WIDTH, HEIGHT);
        caption(page, plot.caption());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new SVGProcessor()
                .getDocument(page.getCommands(), new PageSize(WIDTH, HEIGHT + CAPTION_HEIGHT))
                .writeTo(bytes);
        String svg = // parsers would ask the network for the type's definition
                DOCUMENT_TYPE.matcher(bytes.toString(StandardCharsets.UTF_8)).replaceFirst("");
        return described(NEEDLESS_DIGITS.matcher(svg).replaceAll("$1"), plot);
    }

    static CategoryChart chart(Plot plot) {
        CategoryChart chart =
                new CategoryChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(plot.title())
                        .yAxisTitle(plot.axis())
                        .theme(Styler.ChartTheme.XChart)
                        .build();
        style(chart.getStyler(), plot);
        var looks = Palette.of(plot.series().keySet());
        plot.series()
                .forEach((name, values) -> {
                    CategorySeries series = chart.addSeries(name, plot.cases(), values);
                    Palette.Look look = looks.get(name);
                    series.setFillColor(look.fill());
                    series.setLineColor(look.colour());
                    series.setMarkerColor(look.colour());
                    series.setLineStyle(look.line());
                    series.setMarker(SeriesMarkers.CIRCLE);
                });
        return chart;
    }

    private static void style(CategoryStyler styler, Plot plot) {
        boolean legendBeside =
                String.join("", plot.series().keySet()).length() > MOST_LETTERS_OF_LEGEND;
        styler.setChartBackgroundColor(Color.WHITE)
                .setPlotBackgroundColor(Color.WHITE)
                .setPlotBorderVisible(false)
                .setChartTitleBoxVisible(false)
                .setChartTitleFont(font(Font.BOLD, 17))
                .setChartFontColor(TEXT)
                .setLegendFont(font(Font.PLAIN, 13))
                .setLegendPosition(legendBeside ? LegendPosition.OutsideE : LegendPosition.OutsideS)
                .setLegendLayout(legendBeside ? LegendLayout.Vertical : LegendLayout.Horizontal)
                .setLegendBorderColor(Color.WHITE)
                .setMarkerSize(7);
        styler.setAxisTickLabelsFont(font(Font.PLAIN, 12))
                .setAxisTitleFont(font(Font.PLAIN, 13))
                .setXAxisTitleVisible(false)
                .setAxisTickLabelsColor(TEXT)
                .setPlotGridVerticalLinesVisible(false)
                .setPlotGridLinesColor(GRID)
                .setLocale(Locale.ROOT)
                .setYAxisDecimalPattern("#,##0.###")
                .setPlotMargin(0)
                .setYAxisLogarithmic(plot.logarithmic());
        if (plot.logarithmic()) {
            styler.setYAxisMin(Math.pow(10, Math.floor(Math.log10(least(plot)))));
        } else {
            styler.setYAxisMin(0.0);
        }
        if (plot.cases().size() > MOST_LEVEL_LABELS) {
            styler.setXAxisLabelRotation(30);
        }
        styler.setOverlapped(plot.form() == Plot.Form.LINES); // or their points stand side by side
        styler.setAvailableSpaceFill(0.8);
        styler.setDefaultSeriesRenderStyle(
                plot.form() == Plot.Form.LINES
                        ? CategorySeriesRenderStyle.Line
                        : CategorySeriesRenderStyle.Bar);
    }

    private static double least(Plot plot) {
        return plot.series().values().stream()
                .flatMap(values -> values.stream().filter(Objects::nonNull))
                .mapToDouble(Double::doubleValue)
                .min()
                .orElseThrow();
    }

    private static void caption(VectorGraphics2D page, String caption) {
        Font font = font(Font.PLAIN, 11);
        page.setColor(Color.GRAY);
        page.fill(
                font.createGlyphVector(page.getFontRenderContext(), caption)
                        .getOutline(12, HEIGHT + CAPTION_HEIGHT - 10f));
    }

    private static Font font(int style, int size) {
        return new Font(Font.SANS_SERIF, style, size);
    }

    /**
     * Adds title and description after the first tag. Browsers show the title, and screen readers
     * read both.
     */
    private static String described(String svg, Plot plot) {
        int at = svg.indexOf('>', svg.indexOf("<svg")) + 1;
        return svg.substring(0, at)
                + "<title>"
                + escaped(plot.title())
                + "</title><desc>"
                + escaped(plot.described())
                + "</desc>"
                + svg.substring(at);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
