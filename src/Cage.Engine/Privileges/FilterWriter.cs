namespace Cage.Engine.Privileges;

/// <summary>Writes a program for the kernel's classic BPF machine (bpf(4)) from its end to its beginning: where a jump leads is there before the jump is.
/// A place counts from the end. An answer is there once for all that lead to it: the kernel compiles a filter at each start of a command, 0.3 µs an instruction.</summary>
internal sealed class FilterWriter
{
    private const uint LD_W_ABS = 0x20, JMP_JA = 0x05, RET_K = 0x06;

    // A conditional jump reaches 255 instructions; one of them is left for an unconditional jump of the same comparison.
    private const int Reach = byte.MaxValue - 1;

    private readonly List<ulong> _backwards = [];

    /// <summary>Ends with an answer.</summary>
    public int Return(uint answer)
    {
        ulong instruction = Code(RET_K, answer);
        for (int place = _backwards.Count - 1; place >= 0 && Distance(place) < Reach / 2; place--)
            if (_backwards[place] == instruction) return place;
        return Add(instruction);
    }

    /// <summary>Takes a word of what is to be judged, and goes on at <paramref name="next"/>.</summary>
    public int Load(uint offset, int next)
    {
        if (Distance(next) > 0) Add(Code(JMP_JA, (uint)Distance(next)));
        return Add(Code(LD_W_ABS, offset));
    }

    /// <summary>Compares the word with a value, and goes on at one of two places.</summary>
    public int Compare(uint code, uint value, int whenTrue, int whenFalse)
    {
        whenTrue = Near(whenTrue);
        whenFalse = Near(whenFalse);
        return Add(Code(code, value) | ((ulong)Distance(whenTrue) << 16) | ((ulong)Distance(whenFalse) << 24));
    }

    /// <summary>The program, a <c>struct sock_filter</c> an instruction.</summary>
    public ulong[] Finish()
    {
        ulong[] program = [.. _backwards];
        Array.Reverse(program);
        return program;
    }

    /// <summary>An unconditional jump reaches any place.</summary>
    private int Near(int place) => Distance(place) <= Reach ? place : Add(Code(JMP_JA, (uint)Distance(place)));

    /// <summary>How many instructions are between that place and the one that is written next.</summary>
    private int Distance(int place) => _backwards.Count - 1 - place;

    private int Add(ulong instruction)
    {
        _backwards.Add(instruction);
        return _backwards.Count - 1;
    }

    /// <summary>struct sock_filter: code (16 bits), jt, jf (8 each), k (32).</summary>
    private static ulong Code(uint code, uint value) => code | ((ulong)value << 32);
}
