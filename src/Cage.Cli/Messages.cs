using System.ComponentModel;
using System.Text;
using Cage.Engine;
using Cage.Interop;

namespace Cage.Cli;

/// <summary>What is said to the user, on standard error; standard output is for data.</summary>
internal static class Messages
{
    public static void Error(string text) => Say($"cage: {text}");

    public static void Warning(string text) => Say($"cage: warning: {text}");

    public static void Usage(Command command, string text)
    {
        Say($"cage {command.Name}: {text}");
        Say($"usage: cage {command.Usage}");
    }

    /// <summary>An exception that is none of Cage's own, with the errno's name where it has one.</summary>
    public static string Explain(Exception e)
    {
        while (e is TypeInitializationException { InnerException: Exception cause }) e = cause;
        int error = e is Win32Exception native ? native.NativeErrorCode : e is IOException ? e.HResult : 0;
        return error is > 0 and < 134 ? $"{Errno.Name(error)} ({e.Message})." : $"{e.GetType().Name}: {e.Message}";
    }

    /// <summary>A name or a script's output may hold what a terminal would obey. Where nobody can be told, the exit status has to do.</summary>
    private static void Say(string text)
    {
        // Not the Console, which needs descriptors of its own.
        try
        {
            Files.Write(Channels.Standard(2), PathText.Encode($"{PlainText.Of(text)}\n"));
        }
        catch (LinuxException)
        {
        }
    }
}
