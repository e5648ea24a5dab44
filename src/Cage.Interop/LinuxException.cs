using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Cage.Interop;

/// <summary>A system call that failed: which, on what, and the errno with its name (errno(3)).</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "One without an errno would say nothing.")]
public sealed class LinuxException : Exception
{
    /// <summary>Makes the exception for <paramref name="operation"/> on <paramref name="target"/>.</summary>
    /// <param name="errno">The error number.</param>
    /// <param name="operation">The system call, or what it was to do.</param>
    /// <param name="target">The path or thing it was done to; null where there is none.</param>
    /// <param name="detail">What the kernel added (the message log of fsopen(2)); null where it added nothing.</param>
    public LinuxException(int errno, string operation, string? target = null, string? detail = null)
        : base(Describe(errno, operation, target, detail))
    {
        Number = errno;
        Operation = operation;
        Target = target;
        Detail = detail;
    }

    /// <summary>The error number.</summary>
    public int Number { get; }

    /// <summary>The error number's name, such as <c>EBUSY</c>.</summary>
    public string Name => Errno.Name(Number);

    /// <summary>The system call, or what it was to do.</summary>
    public string Operation { get; }

    /// <summary>What it was done to, or null.</summary>
    public string? Target { get; }

    /// <summary>What the kernel added, or null.</summary>
    public string? Detail { get; }

    private static string Describe(int errno, string operation, string? target, string? detail) =>
        $"{operation}{(target is null ? "" : $" {target}")}: {Errno.Name(errno)} ({Marshal.GetPInvokeErrorMessage(errno)})" +
        (string.IsNullOrEmpty(detail) ? "" : $": {detail}");
}
