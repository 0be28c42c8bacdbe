package dev.cairn.cli.bench;

/** What is done again and again, to entries that are chosen evenly at random. */
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
