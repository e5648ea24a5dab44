using System.Text.Json;

namespace Cage.Cli.Tests;

internal static class JsonText
{
    /// <summary>A member that is a text, or null.</summary>
    public static string? Text(this JsonElement item, string key) => item.GetProperty(key).GetString();
}
