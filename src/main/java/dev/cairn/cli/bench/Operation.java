package dev.cairn.cli.bench;

/** What is repeated, with entries that are chosen at random with equal probability. */
enum Operation {
    PUT("put"),
    GET("get"),
    GET_ALL("getAll(" + Setting.BATCH + ")"),
    MIXED("mixed 95/5");

    private final String label;

    Operation(String label) {
        this.label = label;
    }

    @Override
    public String toString() {
        return label;
    }
}
