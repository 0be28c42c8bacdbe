module sample {
    requires dev.cairn;
}
