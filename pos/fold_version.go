package pos

// FoldVersion counts the changes of what [Folder.Fold] makes of facts that
// journals hold already: a field that is kept now, an amount that is counted
// otherwise. Whoever makes such a change raises it, once for each release; a
// test over a fixed story fails until they do. A journal keeps the number with
// the sales and refunds it has derived, and derives those of another version
// again. Until it has come to a sale, it still finds it by what the older
// version made of it: its state, its amount, whether it is followed.
//
// 1: what goes back elsewhere is not counted twice, and chargebacks are kept.
const FoldVersion = 1
