using Cage.Packager;

// Makes of what is built what a module has besides: its help, and the package that a repository takes. No pwsh is needed for either.
try
{
    switch (args)
    {
        case ["help", string docs, string module]:
            HelpFiles.Write(docs, module);
            return 0;
        case ["help", string docs, string module, string address]:
            HelpFiles.Write(docs, module, address);
            return 0;
        case ["pack", string module, string package]:
            ModulePackage.Write(module, package);
            return 0;
        default:
            Console.Error.WriteLine("usage: Cage.Packager help DOCS MODULE [ADDRESS] | pack MODULE PACKAGE");
            return 2;
    }
}
catch (PageException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
