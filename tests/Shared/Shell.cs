using System.Diagnostics;

namespace Cage.Tests;

/// <summary>Bash, for what a test has to do as an administrator would.</summary>
public static class Shell
{
    /// <summary>Runs a script that must succeed and returns what it printed. It is stopped, and the test with it, after a minute.</summary>
    public static string Run(string script, params (string Name, string Value)[] environment)
    {
        using Process process = Start(script, environment);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"bash took more than a minute: {script}");
        }
        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"bash ended with {process.ExitCode}: {error.Result}\n{script}");
    }

    /// <summary>Starts a script and does not wait for it.</summary>
    public static Process Start(string script, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo info = new("/bin/bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add("-euo");
        info.ArgumentList.Add("pipefail");
        info.ArgumentList.Add("-c");
        info.ArgumentList.Add(script);
        foreach (var (name, value) in environment) info.Environment[name] = value;
        Process process = Process.Start(info)!;
        process.StandardInput.Close();
        return process;
    }
}
