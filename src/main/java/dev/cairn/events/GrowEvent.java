package dev.cairn.events;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

import org.jspecify.annotations.Nullable;

@Name("dev.cairn.Grow")
@Label("Grow")
@Description("A file of a store was lengthened, or the table of a stripe was rebuilt")
final class GrowEvent extends StoreEvent<Events.Grow> {
    @Label("Area")
    @Description("data, index or shared-memory")
    @Nullable String area;

    @Label("Stripe")
    @Description("The stripe whose table was rebuilt; -1 if a file was lengthened")
    int stripe;

    @Label("Bytes Before")
    @DataAmount
    long bytesBefore;

    @Label("Bytes After")
    @Description("The same as before if the table was rebuilt in the same size")
    @DataAmount
    long bytesAfter;

    @Override
    void describe(Events.Grow what) {
        file = what.file().toString();
        area = what.area();
        stripe = what.stripe();
        bytesBefore = what.before();
        bytesAfter = what.after();
    }
}
