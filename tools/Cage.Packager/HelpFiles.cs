using System.Text;
using System.Xml.Linq;

namespace Cage.Packager;

/// <summary>The files from which Get-Help answers: one of MAML for the cmdlets, and a text for each about_ topic.</summary>
public static class HelpFiles
{
    /// <summary>PowerShell looks for this name, made from the assembly's.</summary>
    public const string CommandHelp = "Cage.PowerShell.dll-Help.xml";

    /// <summary>Writes them to en-US below a module's folder.</summary>
    /// <param name="docs">The folder of documents: cmdlets/ and about/ in it.</param>
    /// <param name="module">The module's folder.</param>
    /// <param name="address">Where the project is on the web; null where it is nowhere.</param>
    /// <exception cref="PageException">A page is not written as it should be.</exception>
    public static void Write(string docs, string module, string? address = null)
    {
        Dictionary<string, CommandPage> pages = CommandPage.ReadAll(docs).ToDictionary(page => page.Name);
        string target = Directory.CreateDirectory($"{module}/en-US").FullName;
        // A cmdlet without a page does not keep a build from being tried; the tests do not let it pass.
        XDocument maml = MamlWriter.Document(CmdletModel.All.Where(cmdlet => pages.ContainsKey(cmdlet.Name)).Select(cmdlet => (cmdlet, pages[cmdlet.Name])), address);
        maml.Save($"{target}/{CommandHelp}");
        foreach (string about in Directory.GetFiles($"{docs}/about", "about_*.md").Order(StringComparer.Ordinal))
            File.WriteAllText($"{target}/{Path.GetFileNameWithoutExtension(about)}.help.txt", AboutText.Of(about), new UTF8Encoding(false));
    }
}
