using System.Diagnostics;
using System.Text;
using Cage.Engine.Runtime;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Tests;

namespace Cage.Engine.Tests;

/// <summary>Commands with pipes to the caller, as Invoke-Cage has them.</summary>
public sealed class PumpTests(SmallRoot root) : IClassFixture<SmallRoot>, IDisposable
{
    private readonly TestStore _test = new();
    private readonly MemoryStream _output = new(), _error = new();

    public void Dispose() => _test.Dispose();

    private CommandPump Start(CageInfo cage, string line, bool takesInput = false, CancellationToken cancellation = default) =>
        new(_test.Engine, cage, TestStore.Command("/bin/bash", "-c", line), takesInput, bytes => _output.Write(bytes), bytes => _error.Write(bytes), cancellation);

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());

    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Jail)]
    public void Input_output_errors_and_status_go_through_whatever_their_size(CageIsolation isolation)
    {
        using RunningCage web = _test.Start(_test.NewCage(root, isolation));
        byte[] data = new byte[3_000_000];
        new Random(1).NextBytes(data);
        using CommandPump pump = Start(web.Info, "cat; echo done >&2; exit 9", takesInput: true);
        for (int at = 0; at < data.Length; at += 100_000) pump.Write(data.AsSpan(at, 100_000));
        Assert.Equal(9, pump.Finish());
        Assert.True(data.AsSpan().SequenceEqual(_output.ToArray()));
        Assert.Equal("done\n", Text(_error));
    }

    [CageFact]
    public void Without_input_there_is_none_and_what_is_not_read_is_dropped()
    {
        using RunningCage web = _test.Start(_test.NewCage(root, CageIsolation.Jail));
        using (CommandPump pump = Start(web.Info, "cat; echo end")) Assert.Equal(0, pump.Finish());
        Assert.Equal("end\n", Text(_output));
        using (CommandPump pump = Start(web.Info, "read x; exec <&-; echo $x; exit 4", takesInput: true))
        {
            pump.Write("first\n"u8);
            for (int i = 0; i < 50; i++) pump.Write(new byte[50_000]);
            Assert.Equal(4, pump.Finish());
        }
        Assert.Equal("end\nfirst\n", Text(_output));
    }

    /// <summary>A daemon that the command leaves behind has its pipes, and lives on.</summary>
    [CageTheory]
    [InlineData(CageIsolation.Chroot)]
    [InlineData(CageIsolation.Pivot)]
    [InlineData(CageIsolation.Jail)]
    public void It_ends_when_the_command_does_and_not_when_its_pipes_do(CageIsolation isolation)
    {
        CageRecord record = _test.NewCage(root, isolation);
        using RunningCage web = _test.Start(record);
        Stopwatch watch = Stopwatch.StartNew();
        using (CommandPump pump = Start(web.Info, "setsid sleep 1000 & echo started; exit 5")) Assert.Equal(5, pump.Finish());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        Assert.Equal("started\n", Text(_output));
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Any(process => process.Name == "sleep"));
        Assert.Contains(_test.Engine.GetProcesses(web.Info), process => process.CommandLine == "sleep 1000");
        Assert.Empty(_test.Stop(record));
        _test.AssertNothingLeft(record);
    }

    [CageFact]
    public void It_can_be_cancelled_and_takes_its_process_group_along()
    {
        CageRecord record = _test.NewCage(root, CageIsolation.Jail);
        using RunningCage web = _test.Start(record);
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(200));
        Stopwatch watch = Stopwatch.StartNew();
        using (CommandPump pump = Start(web.Info, "sleep 1000 & sleep 1001", cancellation: soon.Token)) Assert.Throws<OperationCanceledException>(() => pump.Finish());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.1, 6);
        TestStore.Wait(() => _test.Engine.GetProcesses(web.Info).Count == 1);
        Assert.Single(_test.Engine.GetProcesses(web.Info));
    }

    [CageFact]
    public void Nothing_is_started_that_has_been_cancelled()
    {
        using RunningCage web = _test.Start(_test.NewCage(root, CageIsolation.Jail));
        Assert.Throws<OperationCanceledException>(() => Start(web.Info, "sleep 1000", cancellation: new CancellationToken(canceled: true)));
        Assert.Single(_test.Engine.GetProcesses(web.Info));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("one", "one")]
    [InlineData("one\ntwo\r\n\nthree", "one|two||three")]
    [InlineData("\n", "")]
    [InlineData("日本\r\n\r", "日本|")]
    public void Lines_are_made_of_pieces_that_end_anywhere(string text, string lines)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int size = 1; size <= 8; size++)
        {
            List<string> told = [];
            LineSplitter splitter = new(told.Add);
            for (int at = 0; at < bytes.Length; at += size) splitter.Append(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));
            splitter.Finish();
            Assert.Equal(lines, string.Join('|', told));
            Assert.Equal(text.Length == 0 ? 0 : lines.Split('|').Length, told.Count);
        }
    }
}
