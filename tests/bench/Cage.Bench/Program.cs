// What only a long-lived process shows, printed as "name milliseconds" lines for run.sh:
//   Cage.Bench startstop COMMAND BASE STORE N    start and stop of one Jail, N times, the store on a tmpfs
//   Cage.Bench layers COMMAND BASE STORE N       start over the base and N - 1 empty layers
//   Cage.Bench crowd COMMAND BASE STORE N        start of the first and of the N+1st Jail while N run, and a list of all
using System.Diagnostics;
using System.Globalization;
using Cage.Engine;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;

string command = args[1], source = args[2], folder = args[3];
int count = int.Parse(args[4], CultureInfo.InvariantCulture);
const int Samples = 101;
CageEngine engine = new(new StoreSettings { Data = $"{folder}/data", Run = $"{folder}/run" }, new StageBinary(command));
Guid layer = engine.Create(new NewCage { Name = "base", Kind = CageKind.ReadOnly, Source = source }).Id;
List<CageRecord> made = [];
try
{
    if (args[0] == "startstop") StartStop();
    else if (args[0] == "layers") Layers();
    else Crowd();
}
finally
{
    foreach (CageRecord cage in made) engine.Remove(cage, force: true);
    engine.Remove(engine.Store.Get(layer)!);
}

void StartStop()
{
    CageRecord cage = Make();
    double[] times = new double[count];
    for (int i = -20; i < count; i++)
    {
        double time = Time(() =>
        {
            engine.Start(cage);
            engine.Stop(cage);
        });
        if (i >= 0) times[i] = time;
    }
    Print("start+stop", times);
}

void Layers()
{
    List<Guid> layers = [layer];
    for (int i = 1; i < count; i++)
    {
        CageRecord empty = engine.Create(new NewCage { Name = $"layer{i}", Kind = CageKind.ReadOnly }).Record;
        made.Insert(0, empty);
        layers.Insert(0, empty.Id);
    }
    CageRecord cage = engine.Create(new NewCage { Name = "top", Base = layers }).Record;
    made.Insert(0, cage);
    Print("start", Sample(cage));
}

void Crowd()
{
    // Before and after the crowd, since a machine's pace drifts over the minute that it takes.
    CageRecord first = Make();
    double[] before = Sample(first);
    for (int i = 0; i < count; i++) engine.Start(Make());
    CageRecord last = Make();
    Print("after", Sample(last));
    int running = 0;
    double[] lists = [.. Enumerable.Range(0, Samples).Select(_ => Time(() => running = engine.List().Count(cage => cage.State == CageState.Running)))];
    if (running != count) throw new InvalidOperationException($"{running} run, not {count}.");
    Print("list", lists);
    foreach (CageRecord cage in made) engine.Stop(cage);
    Print("first", [.. before, .. Sample(first)]);
}

// Starts are timed one by one, each undone outside the measure.
double[] Sample(CageRecord cage)
{
    double[] times = new double[Samples];
    for (int i = -5; i < Samples; i++)
    {
        double time = Time(() => engine.Start(cage));
        engine.Stop(cage);
        if (i >= 0) times[i] = time;
    }
    return times;
}

CageRecord Make()
{
    CageRecord cage = engine.Create(new NewCage { Name = $"bench{made.Count}", Base = [layer] }).Record;
    made.Add(cage);
    return cage;
}

static double Time(Action work)
{
    long start = Stopwatch.GetTimestamp();
    work();
    return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}

static void Print(string name, double[] times)
{
    Array.Sort(times);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {times[times.Length / 2]:0.000}"));
}
