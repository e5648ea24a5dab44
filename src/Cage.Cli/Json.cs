using System.Text.Encodings.Web;
using System.Text.Json;

namespace Cage.Cli;

/// <summary>Writes an array of objects to standard output, for scripts.</summary>
internal static class Json
{
    private static readonly JsonWriterOptions _options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void WriteArray<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> writeMembers)
    {
        using StandardOutput output = new();
        using (Utf8JsonWriter writer = new(output, _options))
        {
            writer.WriteStartArray();
            foreach (T item in items)
            {
                writer.WriteStartObject();
                writeMembers(writer, item);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        output.Write("\n"u8);
    }

    public static void WriteOptional(this Utf8JsonWriter writer, string name, decimal? value)
    {
        if (value is decimal number) writer.WriteNumber(name, number);
        else writer.WriteNull(name);
    }

    public static void WriteOptional(this Utf8JsonWriter writer, string name, DateTimeOffset? value)
    {
        if (value is DateTimeOffset time) writer.WriteString(name, time);
        else writer.WriteNull(name);
    }

    public static void WriteTexts(this Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
