// One at a time: what is tested is shared by the whole machine (mount tables, control groups, processors), and many tests measure time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
