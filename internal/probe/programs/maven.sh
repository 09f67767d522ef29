work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
cat >settings.xml <<END
<settings><servers><server><id>probe</id><configuration><httpHeaders><property>
<name>Authorization</name><value>Bearer $2</value>
</property></httpHeaders></configuration></server></servers></settings>
END
cat >pom.xml <<END
<project><modelVersion>4.0.0</modelVersion><artifactId>child</artifactId><packaging>pom</packaging>
<parent><groupId>probe</groupId><artifactId>parent</artifactId><version>1</version><relativePath/></parent>
<repositories><repository><id>probe</id><url>$1</url></repository></repositories></project>
END
"$3" -B -q -s settings.xml -Dmaven.repo.local="$work/repository" validate && cat repository/probe/parent/1/*.pom
