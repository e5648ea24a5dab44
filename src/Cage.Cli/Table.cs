using System.Text;
using Cage.Engine;

namespace Cage.Cli;

/// <summary>Columns of text, each as wide as it needs, the last one free. A very long cell shifts the rest of its own line only.</summary>
internal static class Table
{
    private const int Widest = 40;

    public static void Write(string[] heads, IEnumerable<string[]> rows)
    {
        List<string[]> lines = [heads, .. rows.Select(row => Array.ConvertAll(row, PlainText.Line))];
        int[] widths = [.. heads.Select((_, column) => lines.Max(line => line[column].Length is int length && length <= Widest ? length : 0))];
        StringBuilder text = new();
        foreach (string[] line in lines)
            text.AppendLine(string.Join("  ", line.Select((cell, column) => column == heads.Length - 1 ? cell : cell.PadRight(widths[column]))).TrimEnd());
        Console.Write(text);
    }
}
