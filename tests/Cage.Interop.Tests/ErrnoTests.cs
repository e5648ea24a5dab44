using System.Reflection;

namespace Cage.Interop.Tests;

public class ErrnoTests
{
    public static IEnumerable<object[]> Constants => typeof(Errno).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(constant => constant.IsLiteral)
        .Select(constant => new[] { constant.Name, constant.GetRawConstantValue()! });

    [Theory]
    [MemberData(nameof(Constants))]
    public void Every_constant_has_its_own_name(string name, int number) => Assert.Equal(name, Errno.Name(number));

    [Theory]
    [InlineData(1, "EPERM")]
    [InlineData(34, "ERANGE")]
    [InlineData(35, "EDEADLK")]
    [InlineData(40, "ELOOP")]
    [InlineData(42, "ENOMSG")]
    [InlineData(57, "EBADSLT")]
    [InlineData(59, "EBFONT")]
    [InlineData(61, "ENODATA")]
    [InlineData(75, "EOVERFLOW")]
    [InlineData(95, "EOPNOTSUPP")]
    [InlineData(110, "ETIMEDOUT")]
    [InlineData(131, "ENOTRECOVERABLE")]
    [InlineData(133, "EHWPOISON")]
    public void Numbers_have_the_names_of_the_manual(int number, string name) => Assert.Equal(name, Errno.Name(number));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(134)]
    public void Others_are_told_by_number(int number) => Assert.Equal($"errno {number}", Errno.Name(number));

    [Fact]
    public void Names_are_those_of_the_headers()
    {
        string[] headers = ["/usr/include/asm-generic/errno-base.h", "/usr/include/asm-generic/errno.h"];
        if (!headers.All(File.Exists)) return;
        IEnumerable<string[]> defined = headers.SelectMany(File.ReadLines)
            .Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["#define", _, var number, ..] && int.TryParse(number, out _));
        Assert.All(defined, words => Assert.Equal(words[1], Errno.Name(int.Parse(words[2]))));
    }
}
